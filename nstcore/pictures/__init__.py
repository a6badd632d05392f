"""Pictures: from files to pixels and back; RGB, (H, W, 3), 0 to 255."""
