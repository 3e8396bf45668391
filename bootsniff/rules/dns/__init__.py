"""Faults of name resolution; one file per fault, no state."""
