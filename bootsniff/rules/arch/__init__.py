"""Faults of which file was meant for which architecture; one file per fault, no state."""
