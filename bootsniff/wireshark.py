"""The bridge to Wireshark's tools: formats that bootsniff does not read itself. They are optional at run time."""

from __future__ import annotations

import atexit
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .errors import CaptureError
from .model import FrameBytes
from .sources.program import start
from .text import printable


def as_pcapng(path: str) -> Conversion:
    """The capture at `path`, of any format Wireshark knows, as pcapng on a pipe.

    Raises CaptureError when neither editcap nor tshark is installed.
    """
    file = f"./{path}" if path.startswith("-") else path  # not to be taken for an option
    if shutil.which("editcap"):
        command = ["editcap", "-F", "pcapng", file, "-"]
    elif shutil.which("tshark"):
        command = ["tshark", "-n", "-F", "pcapng", "-r", file, "-w", "-"]
    else:
        raise CaptureError(f"{path} is neither pcap nor pcapng: install tshark to read other capture formats")
    return Conversion(command)


class Conversion:
    """A program's standard output as a file; reading raises EOFError with its complaint where it failed."""

    def __init__(self, command: list[str]) -> None:
        self._process, self._output, self._complaints = start(command)

    def fileno(self) -> int:
        return self._output.fileno()

    def readinto(self, view: memoryview) -> int:
        count = self._output.readinto(view) or 0
        if not count and self._process.wait():
            raise EOFError(complaint(self._complaints) or f"{self._process.args!r} failed")
        return count

    def close(self) -> None:
        self._output.close()
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._complaints.close()


def complaint(errors: IO[bytes]) -> str:
    """The first line on its standard error that says what is wrong with the capture; empty when there is none."""
    errors.seek(0)
    lines = [line for line in errors.read(4096).splitlines() if line.strip() and not line.startswith(b"Running as ")]
    return printable(lines[0], 200) if lines else ""


def dissect_frame(frame: FrameBytes, seconds: float = 20.0) -> str:
    """Wireshark's whole dissection of one frame as lines of text, layers unindented, fields below them.

    Call it always from the same thread, which is not the main one: pyshark wants an event loop of its own. Raises
    CaptureError, one line that says what is missing, when tshark or pyshark cannot be used here.
    """
    if not shutil.which("tshark"):
        raise CaptureError("tshark is not installed: install the tshark package to see Wireshark's dissection here")
    if sys.version_info >= (3, 14):
        raise CaptureError("pyshark does not work with Python 3.14 and later: open the frame in Wireshark instead")
    import asyncio  # half the start-up time of reading a small file, and only pyshark wants it

    try:
        import pyshark
    except ImportError as error:
        raise CaptureError(
            "pyshark is not installed: `pip install pyshark` brings Wireshark's dissection here"
        ) from error

    loop = asyncio.new_event_loop()
    with tempfile.NamedTemporaryFile(prefix="bootsniff-", suffix=".pcap") as file:
        # leaving the program does not wait for the thread that is in here
        atexit.register(Path(file.name).unlink, missing_ok=True)
        file.write(_one_frame(frame))
        file.flush()
        capture = pyshark.FileCapture(file.name, eventloop=loop, keep_packets=False)
        try:
            packet = loop.run_until_complete(asyncio.wait_for(_first_packet(capture), seconds))
            return "" if packet is None else "\n".join(_layer_lines(packet))
        except Exception as error:
            # pyshark lets through whatever tshark, its XML or asyncio brings up; the view shows it as a sentence.
            raise CaptureError(
                f"tshark did not dissect this frame: {printable(str(error) or repr(error), 200)}"
            ) from error
        finally:
            loop.run_until_complete(capture.close_async())
            loop.close()


async def _first_packet(capture: Any) -> Any:
    found: list[Any] = []
    await capture.packets_from_tshark(found.append, packet_count=1)
    return found[0] if found else None


def _layer_lines(packet: Any) -> Iterator[str]:
    for layer in packet.layers:
        yield printable(layer.layer_name.upper())
        for field in layer._get_all_fields_with_alternates():  # noqa: SLF001  # the only way to every field
            if not field.hide and (shown := field.showname or field.show):
                yield "    " + printable(shown, 2000)


def _one_frame(frame: FrameBytes) -> bytes:
    """A pcap file with nanosecond times that holds this frame only."""
    seconds, nanoseconds = divmod(max(0, frame.time), 1_000_000_000)
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, frame.link_type)
    record = struct.pack("<IIII", seconds & 0xFFFFFFFF, nanoseconds, len(frame.data), frame.original_length)
    return head + record + frame.data
