"""Errors that cross rooms; this room may import nothing of the project.

Every error a user can cause is a `BootsniffError`: its text is one line that says what to do, and its
`exit_status` is the documented one. `Malformed` is the single error that a parser may raise.
"""


class BootsniffError(Exception):
    """An error with one clear line for the user and a documented exit status."""

    exit_status = 3


class UsageError(BootsniffError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class CaptureError(BootsniffError):
    """A capture cannot be read at all, or an interface cannot be opened."""

    exit_status = 3


class NotReached(BootsniffError):
    """The condition of `--until` did not come true in time."""

    exit_status = 5


class Malformed(ValueError):
    """Bytes that are not the message they claim to be. Raised by `bootsniff.wire` parsers only."""
