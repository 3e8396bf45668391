"""Faults of TFTP transfers; one file per fault, no state."""
