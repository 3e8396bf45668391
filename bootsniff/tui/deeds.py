"""What leaves the screen: texts for the clipboard, and files; writes new files only, never over an old one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ..errors import CaptureError
from ..model import FrameBytes, Report
from ..report.json import document
from .bridge.saving import write_pcapng


def stamp() -> str:
    """`20260314-081503`: the time of saving, for names of files."""
    return f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def free_path(folder: Path | None, stem: str, suffix: str) -> Path:
    """A name in `folder` (else the current directory, else the home directory) that is not taken.

    Raises CaptureError when none of these can be written to.
    """
    places = [folder] if folder is not None else [Path.cwd(), Path.home()]
    for place in places:
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            break
    else:
        raise CaptureError(f"cannot write to {' or '.join(map(str, places))}: start bootsniff in a directory of yours")
    for number in range(1, 1000):
        path = place / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        if not path.exists():
            return path
    raise CaptureError(f"{place} is full of {stem} files: remove some")


def save_text(path: Path, pieces: Iterable[str]) -> None:
    """Writes a new file. Raises CaptureError with the reason when it cannot."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(pieces)
    except OSError as error:
        raise CaptureError(f"cannot write {path}: {error.strerror}") from error


def save_report(folder: Path | None, report: Report) -> Path:
    path = free_path(folder, f"bootsniff-{stamp()}", ".json")
    save_text(path, document(report))
    return path


def save_packets(folder: Path | None, mac: str, frames: Iterable[FrameBytes]) -> tuple[Path, int]:
    """The frames as pcapng; gives the path and how many there are. Raises CaptureError."""
    kept = list(frames)
    if not kept:
        raise CaptureError("none of this machine's packets are kept any more: record with `-w FILE` next time")
    path = free_path(folder, f"bootsniff-{mac.replace(':', '-')}-{stamp()}", ".pcapng")
    write_pcapng(path, kept)
    return path, len(kept)


def clipboard_file(text: str) -> Path | None:
    """Keeps a copied text where it can be found when the terminal has no clipboard; None when that cannot be done.

    In the user's own state directory, readable by the user alone: a shared directory would invite mischief.
    """
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(base) / "bootsniff" / "copied.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, RuntimeError):
        return None
    return path
