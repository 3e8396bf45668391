"""Pure functions from the model to rows of lines: what each pane of the TUI shows, testable without a screen."""
