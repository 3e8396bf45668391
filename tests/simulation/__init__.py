"""Whole boots with losses on both sides of the capture point, of which the truth is known."""
