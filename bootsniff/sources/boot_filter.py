"""The kernel's filter: which packets a boot needs, as text for any tcpdump and as a compiled program for the ring.

Ports cannot be the filter: TFTP answers from any port and boot URLs name any port. So it is ARP, ICMP, UDP, TCP,
spanning tree, LACP and IEEE 802.1X, with up to two VLAN tags, without the ssh session that one sits in. Knows no interface and opens none.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import CaptureError, UsageError

ETHERNET = 1
RAW_IP = 101
"""LINKTYPE_RAW of captures; libpcap's own number for it, DLT_RAW, is 12 on Linux."""
LINUX_COOKED = 276
"""What tcpdump gives on the interface `any`: no link header, and so no VLAN tags that a filter could see."""
_DLT = {RAW_IP: 12}
_SWITCH = "stp or ether proto 0x8809 or ether proto 0x888e"
"""Spanning tree, LACP among the slow protocols (IEEE 802.3 annex 57A), IEEE 802.1X: what a switch says of its port."""
_WHOLE = 262_144
"""What libpcap calls a whole packet (MAXIMUM_SNAPLEN)."""
_COMPILE_TIMEOUT = 10.0


class SshSession(NamedTuple):
    """The connection of the terminal that bootsniff runs in, as `SSH_CONNECTION` tells it."""

    client: str
    client_port: int
    server_port: int

    @classmethod
    def parse(cls, text: str) -> SshSession | None:
        """From `client-address client-port server-address server-port`; None for anything else."""
        match = re.fullmatch(r"([0-9a-fA-F.:]+)(?:%\S+)? (\d{1,5}) \S+ (\d{1,5})", text.strip())
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def expression(self) -> str:
        """The session's packets, in both directions."""
        return f"host {self.client} and port {self.client_port} and port {self.server_port}"


def current_ssh_session() -> SshSession | None:
    """The session that this process sits in; sudo hides the variable, so the parents are asked as well."""
    own = os.environ.get("SSH_CONNECTION")
    if own:
        return SshSession.parse(own)
    process = os.getppid()
    for _ in range(16):
        try:
            environment = Path(f"/proc/{process}/environ").read_bytes()
            parent = int(Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return None
        for entry in environment.split(b"\0"):
            if entry.startswith(b"SSH_CONNECTION="):
                return SshSession.parse(entry.partition(b"=")[2].decode("ascii", "replace"))
        if parent <= 1:
            return None
        process = parent
    return None


# The body of transfers: TFTP DATA and ACK from block 64 on, later fragments, TCP segments that are a bare ACK or the
# middle of a body. IPv4 only: BPF cannot look into IPv6 payloads, which all count as control.
_PAYLOAD = "(ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2))"
_BULK = (
    "(ip[6:2] & 0x1fff != 0)"
    " or (udp and (udp[8:2] = 3 or (udp[8:2] = 4 and udp[4:2] = 12)) and udp[10:2] > 64)"
    " or (tcp and tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) = 0"
    f" and ({_PAYLOAD} = 0 or ({_PAYLOAD} >= 512 and tcp[((tcp[12] & 0xf0) >> 2):4] != 0x48545450)))"
)


def portable_text(link_type: int = ETHERNET) -> str:
    """The filter for a tcpdump on another host, as text without a character that a shell would take for its own.

    So it passes through `ssh host tcpdump … "$(bootsniff filter)"`, whose words a second shell reads. `and` and `or`
    bind alike, from left to right, and what stands behind `vlan` speaks of tagged packets: every tagged packet
    passes; libpcap refuses the word for LINUX_COOKED. Port 22 is left out on both sides: the capture itself travels
    through it.
    """
    text = f"tcp and not port 22 or arp or icmp or icmp6 or udp or {_SWITCH}"
    return f"{text} or vlan and not tcp port 22" if link_type == ETHERNET else text


def filter_text(
    words: Sequence[str] = (),
    *,
    session: SshSession | None = None,
    link_type: int = ETHERNET,
    everything: bool = False,
    part: Literal["all", "control", "bulk"] = "all",
) -> str:
    """The filter in tcpdump's language, valid for live captures and for files.

    `words` narrow it, `session` is left out, `everything` keeps `words` alone.
    `part` splits it in two that never overlap: the body of transfers, and what tells how a boot goes.
    A `vlan` in that language moves the offsets of all that stands behind it, also behind an `or` (pcap-filter(7)):
    so the tagged alternatives are nested and come last, and words that name a `vlan` themselves come first.
    """
    narrowing = " ".join(words).strip()
    tagged = link_type == ETHERNET
    if everything:
        parts = {"all": "", "bulk": _nested(_BULK, tagged=tagged), "control": f"not ({_nested(_BULK, tagged=tagged)})"}
        return " and ".join(f"({text})" if parts[part] else text for text in (narrowing, parts[part]) if text)
    tcp = "tcp" if session is None else f"(tcp and not ({session.expression()}))"
    plain = f"icmp or icmp6 or udp or {tcp}"
    if link_type != RAW_IP:
        plain = f"arp or {plain} or {_SWITCH}"
    if part != "all":
        plain = f"({plain}) and {'not ' if part == 'control' else ''}({_BULK})"
    if re.search(r"\bvlan\b", narrowing):
        return f"({narrowing}) and ({_nested(plain, tagged=tagged)})"
    if narrowing:
        plain = f"({narrowing}) and ({plain})"
    return _nested(plain, tagged=tagged)


def _nested(text: str, *, tagged: bool) -> str:
    """The text for packets without, with one and with two VLAN tags."""
    return f"{text} or (vlan and ({text} or (vlan and ({text}))))" if tagged else text


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Instruction)))


_INSTRUCTION = struct.Struct("=HBBI")


def compile_filter(text: str, link_type: int = ETHERNET, interface: str | None = None) -> bytes | None:
    """The program as an array of `struct sock_filter`, or None where neither libpcap nor tcpdump is installed.

    With `interface` (needs the right to capture) it is made for that live interface, where the kernel has taken the
    VLAN tag out of the frame: only then does a `vlan 5` in the text match. libpcap is called directly: scapy's
    compiler is the same call, at the cost of 30 MB.
    Raises UsageError when the text is no filter.
    """
    library = _libpcap()
    if library is not None:
        return _with_libpcap(library, text, link_type, interface)
    return _with_tcpdump(text, link_type, interface)


@cache
def _libpcap() -> ctypes.CDLL | None:
    for name in ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so", "libpcap.dylib"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for function in ("pcap_open_dead", "pcap_create", "pcap_geterr"):
            getattr(library, function).restype = ctypes.c_void_p
        library.pcap_create.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        library.pcap_activate.argtypes = [ctypes.c_void_p]
        library.pcap_geterr.argtypes = [ctypes.c_void_p]
        library.pcap_close.argtypes = [ctypes.c_void_p]
        library.pcap_compile.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(_Program),
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_uint32,
        ]
        library.pcap_freecode.argtypes = [ctypes.POINTER(_Program)]
        return library
    return None


def _with_libpcap(library: ctypes.CDLL, text: str, link_type: int, interface: str | None) -> bytes:
    handle = None
    if interface is not None:
        error = ctypes.create_string_buffer(256)
        handle = library.pcap_create(os.fsencode(interface), error)
        if handle and library.pcap_activate(handle) < 0:
            library.pcap_close(handle)
            raise CaptureError(f"libpcap cannot open {interface} to compile a filter with `vlan` in it")
    if not handle:
        handle = library.pcap_open_dead(_DLT.get(link_type, link_type), _WHOLE)
    program = _Program()
    try:
        if library.pcap_compile(handle, ctypes.byref(program), text.encode(), 1, 0xFFFFFFFF) != 0:
            message = ctypes.string_at(library.pcap_geterr(handle)).decode("utf-8", "replace")
            raise UsageError(f"this is no capture filter: {message}: {text}")
        taken = (program.instructions[i] for i in range(program.length))
        return b"".join(_INSTRUCTION.pack(i.code, i.jt, i.jf, i.k) for i in taken)
    finally:
        library.pcap_freecode(ctypes.byref(program))
        library.pcap_close(handle)


def _with_tcpdump(text: str, link_type: int, interface: str | None) -> bytes | None:
    where = ["-i", interface] if interface is not None else ["-y", "EN10MB" if link_type == ETHERNET else "RAW"]
    try:
        done = subprocess.run(
            ["tcpdump", *where, "-ddd", text],
            capture_output=True,
            text=True,
            timeout=_COMPILE_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        raise UsageError(f"this is no capture filter: {(done.stderr.strip().splitlines() or [''])[-1]}: {text}")
    numbers = [[int(number) for number in line.split()] for line in done.stdout.splitlines()[1:]]
    return b"".join(_INSTRUCTION.pack(*row) for row in numbers if len(row) == 4)
