"""Widgets of the TUI: they draw lines that pure functions made, and speak up by messages."""
