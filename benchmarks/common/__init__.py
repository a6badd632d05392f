"""What the benchmarks share: how things are timed, the common problem, the machine, and how a result is written."""
