"""The bridge to Wireshark's tools: formats that bootsniff does not read itself. They are optional at run time."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import IO

from .errors import CaptureError
from .text import printable


def as_pcapng(path: str) -> Conversion:
    """The capture at `path`, of any format Wireshark knows, as pcapng on a pipe.

    Raises CaptureError when neither editcap nor tshark is installed.
    """
    if shutil.which("editcap"):
        command = ["editcap", "-F", "pcapng", path, "-"]
    elif shutil.which("tshark"):
        command = ["tshark", "-n", "-F", "pcapng", "-r", path, "-w", "-"]
    else:
        raise CaptureError(f"{path} is neither pcap nor pcapng: install tshark to read other capture formats")
    return Conversion(command)


class Conversion:
    """A program's standard output as a file; reading raises EOFError with its complaint where it failed."""

    def __init__(self, command: list[str]) -> None:
        self._complaints: IO[bytes] = tempfile.TemporaryFile(prefix="bootsniff-")  # noqa: SIM115  # closed by close()
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints, bufsize=0
        )
        assert self._process.stdout is not None  # noqa: S101  # asked for above
        self._output = self._process.stdout

    def fileno(self) -> int:
        return self._output.fileno()

    def readinto(self, view: memoryview) -> int:
        count: int = self._output.readinto(view)  # type: ignore[attr-defined]  # a FileIO, as nothing is buffered
        if not count and self._process.wait():
            self._complaints.seek(0)
            lines = self._complaints.read(4096).splitlines()
            raise EOFError(printable(lines[0], 200) if lines else f"{self._process.args!r} failed")
        return count

    def close(self) -> None:
        self._output.close()
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._complaints.close()
