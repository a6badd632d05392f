"""Faults injected for real into runs of the project; each drill says what must hold, and ends with 1 if it does not."""
