"""Faults of the operating system's own network; one file per fault, no state."""
