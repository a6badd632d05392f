"""What surrounds the engine: files, places, the terminal, signals, the processor and its memory."""
