"""Faults of the first program after its download; one file per fault, no state."""
