"""Other programs' view of a frame: scapy's and Wireshark's, made in one thread of their own and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from queue import SimpleQueue
from typing import Literal, NamedTuple

import numpy as np

from ...errors import BootsniffError
from ...model import Block, FrameBytes, Interface
from ...sources.foreign_links import ForeignLinks
from ...sources.frames import frame_of
from ...sources.link_types import READ_HERE, link_type_name
from ...wireshark import dissect_frame

Way = Literal["scapy", "tshark"]
KEPT = 64

_LAYERS = {1: "Ether", 113: "CookedLinux", 276: "CookedLinuxV2", 0: "Loopback", 108: "Loopback"}
_MARGIN = bytes(128)


class Inside(NamedTuple):
    """What bootsniff reads of a frame: the frame itself, or the packets that tshark found behind its link header."""

    frames: tuple[FrameBytes, ...]
    problem: str = ""
    """Why there is nothing to read, in one line."""


class Dissector:
    """Takes frames and calls back with text. One thread for good: pyshark's event loop must stay in one."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._known: OrderedDict[tuple[Way, int, int], str] = OrderedDict()
        self._inside: OrderedDict[tuple[int, int], Inside] = OrderedDict()
        self._thread: threading.Thread | None = None

    def known(self, way: Way, frame: FrameBytes) -> str | None:
        """The text, if it was made already."""
        return self._known.get((way, frame.capture, frame.frame))

    def inside(self, frame: FrameBytes, tell: Callable[[], object]) -> Inside | None:
        """What can be read of the frame; None while tshark is asked, `tell` is called afterwards, in another thread."""
        if frame.link_type in READ_HERE:
            return Inside((frame,))
        known = self._inside.get((frame.capture, frame.frame))
        if known is None:
            self._do(lambda: self._unwrap(frame, tell))
        return known

    def ask(self, way: Way, frame: FrameBytes, tell: Callable[[str], object]) -> None:
        """Makes the text and calls `tell` with it, in the dissector's thread."""
        self._do(lambda: self._dissect(way, frame, tell))

    def close(self) -> None:
        self._jobs.put(None)

    def _do(self, job: Callable[[], object]) -> None:
        if self._thread is None:
            # A daemon: leaving the program does not wait for a dissection.
            self._thread = threading.Thread(target=self._work, name="dissector", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _unwrap(self, frame: FrameBytes, tell: Callable[[], object]) -> None:
        place = frame.capture, frame.frame
        if place not in self._inside:
            self._inside[place] = _unwrapped(frame)
            if len(self._inside) > KEPT:
                self._inside.popitem(last=False)
        tell()

    def _dissect(self, way: Way, frame: FrameBytes, tell: Callable[[str], object]) -> None:
        text = self.known(way, frame)
        if text is None:
            text = _scapy(frame) if way == "scapy" else _tshark(frame)
            self._known[way, frame.capture, frame.frame] = text
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        tell(text)


def _unwrapped(frame: FrameBytes) -> Inside:
    """The packets in a frame of a link type that is not read here, behind a link header that is."""
    size = np.array([len(frame.data)], np.int64)
    block = Block(
        frame.capture,
        bytearray(_MARGIN + frame.data + _MARGIN),
        frame.frame,
        np.array([frame.time], np.int64),
        np.array([len(_MARGIN)], np.int64),
        size,
        np.maximum(size, frame.original_length),
        None,
        (Interface(frame.link_type),),
    )
    links = ForeignLinks()
    try:
        found = [frame_of(piece, frame.frame) for piece in links.readable(block)]
        # Where nothing is told there is a packet in each; else a header at most, which was made up.
        return Inside((), links.unread) if links.unread else Inside(tuple(filter(None, found)))
    finally:
        links.close()


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
    elif frame.link_type not in READ_HERE:
        from scapy.layers import dot11, ppp  # noqa: F401 (they bind themselves)

        layer = conf.l2types.num2layer.get(frame.link_type)
        if layer is None:
            return f"scapy does not know link type {link_type_name(frame.link_type)}"
    else:
        layer = inet6.IPv6 if frame.data[:1] and frame.data[0] >> 4 == 6 else inet.IP
    try:
        shown = layer(frame.data).show(dump=True)
    except Exception as error:  # noqa: BLE001 (scapy raises anything at all on frames that are not whole)
        return f"scapy cannot dissect this frame: {error}"
    return str(shown)
