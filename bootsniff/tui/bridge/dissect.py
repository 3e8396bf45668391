"""Other programs' view of a frame: scapy's and Wireshark's, made in one thread of their own and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from queue import SimpleQueue
from typing import Literal

from ...errors import BootsniffError
from ...model import FrameBytes
from ...wireshark import dissect_frame

Way = Literal["scapy", "tshark"]
KEPT = 64

_LAYERS = {1: "Ether", 113: "CookedLinux", 276: "CookedLinuxV2", 0: "Loopback", 108: "Loopback"}


class Dissector:
    """Takes frames and calls back with text. One thread for good: pyshark's event loop must stay in one."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Way, FrameBytes, Callable[[str], object]] | None] = SimpleQueue()
        self._known: OrderedDict[tuple[Way, int, int], str] = OrderedDict()
        self._thread: threading.Thread | None = None

    def known(self, way: Way, frame: FrameBytes) -> str | None:
        """The text, if it was made already."""
        return self._known.get((way, frame.capture, frame.frame))

    def ask(self, way: Way, frame: FrameBytes, tell: Callable[[str], object]) -> None:
        """Makes the text and calls `tell` with it, in the dissector's thread."""
        if self._thread is None:
            # A daemon: leaving the program does not wait for a dissection.
            self._thread = threading.Thread(target=self._work, name="dissector", daemon=True)
            self._thread.start()
        self._jobs.put((way, frame, tell))

    def close(self) -> None:
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            way, frame, tell = job
            text = self.known(way, frame)
            if text is None:
                text = _scapy(frame) if way == "scapy" else _tshark(frame)
                self._known[way, frame.capture, frame.frame] = text
                if len(self._known) > KEPT:
                    self._known.popitem(last=False)
            tell(text)


def _tshark(frame: FrameBytes) -> str:
    try:
        return dissect_frame(frame)
    except BootsniffError as error:
        return str(error)


def _scapy(frame: FrameBytes) -> str:
    """Scapy's `show`. Importing its layers takes a moment, which is why it happens here and when asked for."""
    try:
        from scapy.config import conf

        conf.route_autoload = conf.route6_autoload = False
        from scapy.layers import dhcp, dhcp6, dns, http, inet, inet6, l2, tftp  # noqa: F401 (they bind themselves)
    except ImportError as error:
        return f"scapy cannot be imported here ({error}): install it with `pip install scapy`"
    name = _LAYERS.get(frame.link_type)
    if name is not None:
        layer = getattr(l2, name)
    else:
        layer = inet6.IPv6 if frame.data[:1] and frame.data[0] >> 4 == 6 else inet.IP
    try:
        shown = layer(frame.data).show(dump=True)
    except Exception as error:  # noqa: BLE001 (scapy raises anything at all on frames that are not whole)
        return f"scapy cannot dissect this frame: {error}"
    return str(shown)
