"""Asks tshark what of the network layer stands in frames of a link type that is not read here; makes no Blocks.

One process a link type, for as long as the capture is read: what it learned from earlier frames (keys, fragments)
serves the later ones. It gets the frames in batches and answers with one line each before the next batch is sent.
"""

from __future__ import annotations

import os
import selectors
import shutil
import struct
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import CaptureError
from ..wireshark import complaint
from .program import start

IPV4, ARP, IPV6, VLAN = 0x0800, 0x0806, 0x86DD, 0x8100
MAX_FRAME = 262_144
"""Longest packet that Wireshark accepts in a capture file; what is longer is cut for it."""
MAX_PACKET = 65_575
"""Longest IP packet without jumbo payload, IPv6 header included."""
MAX_INSIDE = 64
"""Packets taken out of one frame (an A-MSDU of Wi-Fi holds several)."""
_MAX_ANSWER = 32 << 20
"""Bytes of answer to one batch; no batch that fits into a window comes near."""
FORGETS_AFTER = 1_000_000
"""Frames after which tshark starts anew, as it keeps some 170 bytes of each. Keys negotiated before are lost to it."""
_PATIENCE = 60.0
"""Seconds without a sign of tshark before it is given up."""

# Their payload is wanted as it is, so tshark is told not to know what it means: it shows it as `data.data` then.
_NOT_DISSECTED = ("ip", "ipv6", "arp")
# The link layers whose addresses are as good as Ethernet's.
_SOURCES = ("wlan.sa", "eth.src", "tr.src", "fddi.src")
_TARGETS = ("wlan.da", "eth.dst", "tr.dst", "fddi.dst")
_FIELDS = ("frame.number", "frame.protocols", "data.data", "vlan.id", *_SOURCES, *_TARGETS)


class Inside(NamedTuple):
    """What tshark found in one frame."""

    understood: bool
    """False for data that stayed unknown: encrypted, cut, or of a protocol that is neither IP nor ARP."""
    source: bytes = b""
    """Hardware address of the sender, 6 bytes; empty where the link has none."""
    target: bytes = b""
    vlan: int = 0
    packets: tuple[tuple[int, bytes], ...] = ()
    """(ethertype, bytes) of each IPv4, IPv6 or ARP packet in it."""


NOTHING = Inside(understood=False)


class LinkReader:
    """A tshark that reads frames of one link type."""

    def __init__(self, link_type: int) -> None:
        """Start it. Raises CaptureError, whose text goes on after a colon, when tshark is missing."""
        program = shutil.which("tshark")
        if program is None:
            raise CaptureError("install tshark to have them read")
        command = [program, "-n", "-l", "-r", "-", "-M", str(FORGETS_AFTER), "-T", "fields"]
        command += ["-E", "separator=/t", "-E", "occurrence=a"]
        command += [word for name in _NOT_DISSECTED for word in ("--disable-protocol", name)]
        command += [word for name in _FIELDS for word in ("-e", name)]
        self._sent = 0
        """Frames since tshark last started anew, which is how it numbers them."""
        self._process, self._output, self._complaints = start(command, stdin=subprocess.PIPE)
        assert self._process.stdin is not None  # noqa: S101  # asked for above
        self._input = self._process.stdin
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)
        self._pending = struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, MAX_FRAME, link_type)

    def read(self, frames: Sequence[tuple[int, int, bytes]]) -> list[Inside]:
        """What is inside each frame: (time in ns, length on the wire, bytes). Raises CaptureError when tshark fails."""
        pieces = [self._pending]
        self._pending = b""
        for time, original, data in frames:
            seconds, nanoseconds = divmod(max(0, time), 1_000_000_000)
            captured = data[:MAX_FRAME]
            length = min(max(original, len(captured)), 0x7FFFFFFF)
            pieces += struct.pack("=IIII", seconds & 0xFFFFFFFF, nanoseconds, len(captured), length), captured
        lines = self._exchange(memoryview(b"".join(pieces)), len(frames))
        found = []
        for line, (_, _, data) in zip(lines, frames, strict=True):
            self._sent = self._sent % FORGETS_AFTER + 1
            number, *fields = line.split("\t")
            if number != str(self._sent) or len(fields) != len(_FIELDS) - 1:
                raise CaptureError("tshark answers in a way that is not known here")
            found.append(_inside(fields, whole=len(data) <= MAX_FRAME))
        return found

    def close(self) -> None:
        """End the process."""
        self._input.close()
        self._output.close()
        self._process.kill()  # it has nothing to save
        self._process.wait()
        self._complaints.close()

    def _exchange(self, question: memoryview, count: int) -> list[str]:
        """Write all of the question, read `count` lines; both at once, as either side may wait for the other."""
        answer = bytearray()
        lines = 0
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._input, selectors.EVENT_WRITE)
            while lines < count:
                ready = selector.select(_PATIENCE)
                if not ready:
                    raise CaptureError(f"tshark did not answer for {_PATIENCE:.0f} seconds")
                for key, _ in ready:
                    if key.fileobj is self._output:
                        piece = os.read(self._output.fileno(), 1 << 16)
                        if not piece:
                            raise CaptureError(self._why())
                        answer += piece
                        lines += piece.count(b"\n")
                        if len(answer) > _MAX_ANSWER:
                            raise CaptureError("tshark answers with more than fits in memory")
                        continue
                    try:
                        question = question[os.write(self._input.fileno(), question) :]
                    except BrokenPipeError:  # it ended: what it says about that is read above
                        question = question[:0]
                    if not question:
                        selector.unregister(self._input)
        return answer.decode("ascii", "replace").split("\n")[:count]

    def _why(self) -> str:
        """Why it writes no more."""
        self._input.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return "tshark closed its output"
        said = complaint(self._complaints)
        return f"tshark does not read them ({said})" if said else f"tshark ended with status {self._process.returncode}"


def _inside(fields: list[str], *, whole: bool) -> Inside:
    protocols, data, vlan, *addresses = fields
    packets: list[tuple[int, bytes]] = []
    parent, _, last = protocols.rpartition(":")
    understood = last != "data"
    # Data right after the Wi-Fi header is what could not be decrypted.
    if not understood and not parent.endswith("wlan"):
        for text in data.split(",")[:MAX_INSIDE]:
            packet = _bytes(text, MAX_PACKET)
            kind = _network_layer(packet)
            if kind:
                packets.append((kind, packet))
        understood = bool(packets)
    source = _address(addresses[: len(_SOURCES)])
    target = _address(addresses[len(_SOURCES) :])
    tag = vlan.partition(",")[0]
    number = int(tag) & 0xFFF if tag.isascii() and tag.isdigit() and len(tag) <= 4 else 0
    return Inside(understood and whole, source, target, number, tuple(packets))


def _address(values: list[str]) -> bytes:
    """The innermost of the first link layer that has addresses."""
    value = next((value for value in values if value), "").rpartition(",")[2]
    address = _bytes(value, 6)
    return address if len(address) == 6 else b""


def _bytes(text: str, limit: int) -> bytes:
    """Hexadecimal digits, with colons or without, as far as the limit; empty for anything else."""
    try:
        return bytes.fromhex(text[: 3 * limit].replace(":", ""))[:limit]
    except ValueError:
        return b""


def _network_layer(packet: bytes) -> int:
    """Ethertype of an IPv4, IPv6 or ARP packet, 0 for other data.

    The field that names the protocol is another one in each of the link layers, and missing in some, so the packet
    itself is looked at: what has a header checksum must have the right one.
    """
    if len(packet) < 20:
        return 0
    version = packet[0] >> 4
    if version == 4:
        header = (packet[0] & 15) * 4
        total = packet[2] << 8 | packet[3]
        if not 20 <= header <= min(len(packet), total):
            return 0
        words = sum(struct.unpack_from(f">{header // 2}H", packet))
        return IPV4 if words and not words % 0xFFFF else 0
    if version == 6:
        return IPV6 if len(packet) >= 40 else 0
    # Any hardware type: Wi-Fi says 1, token ring 6; IPv4 addresses, hardware addresses as long as Ethernet's.
    return ARP if len(packet) >= 28 and packet[2:6] == b"\x08\x00\x06\x04" and packet[6:7] == b"\0" else 0
