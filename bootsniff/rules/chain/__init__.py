"""Faults of boot programs that load each other; one file per fault, no state."""
