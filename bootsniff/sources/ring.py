"""One interface's packets through the kernel's TPACKET_V3 ring, as Blocks whose bytes stay where the kernel put them.

The kernel fills blocks of 1 MiB in memory that both share; nothing is copied on the way and a busy reader makes no
system call per packet. Linux only. Structures and numbers: linux/if_packet.h, Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct

import numpy as np
import numpy.typing as npt

from ..errors import CaptureError
from ..model import NANOSECONDS, Block, Interface
from .boot_filter import ETHERNET, RAW_IP
from .interfaces import LOOPBACK_TYPE, hardware_type, interface_index
from .scan import as_ints

BLOCK_SIZE = 1 << 20
RING_BLOCKS = 48
RETIRE_MS = 60
"""The kernel hands a block over when it is full, or this long after it took the first packet; at most twice this."""

_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_TPACKET_V3 = 2
_MEMBERSHIP_PROMISC = 1
_SO_ATTACH_FILTER = 26
_ETH_P_ALL = 3
_STATUS_USER = 1
_VLAN_VALID, _VLAN_TPID_VALID = 1 << 4, 1 << 6
_FRAME_SIZE = 2048
"""Only a divisor of the block size to TPACKET_V3, where frames have the length they have."""
LINK_TYPES = {1: ETHERNET, 772: ETHERNET, 65534: RAW_IP, 512: RAW_IP, 768: RAW_IP}
"""ARPHRD_ of linux/if_arp.h: Ethernet (Wi-Fi too, outside monitor mode), loopback; tun, PPP, IPIP: no link header."""


class NoRightError(CaptureError):
    """The kernel lets only root, or a program with CAP_NET_RAW, open packet sockets."""


class NoRingError(CaptureError):
    """There is the right to capture, but this kernel (or this system) has no packet ring."""


class Ring:
    """A packet socket with its ring. Blocks given out are the consumer's until the next `take`."""

    def __init__(self, name: str, *, blocks: int = RING_BLOCKS, retire_ms: int = RETIRE_MS) -> None:
        """Reserve the memory; nothing is captured before `start`.

        Raises NoRightError, NoRingError, or CaptureError when there is no such interface.
        """
        self.name = name
        self.frames = 0
        self.bytes = 0
        self.dropped = 0
        self.first: int | None = None
        self.last: int | None = None
        self.full = False
        """The last take emptied blocks that the kernel had filled: the line is busy."""
        self.block_seconds = 0.0
        """How long it took to fill a block, on average of the last take."""
        self._next = 0
        self._given: list[int] = []
        self.blocks = blocks
        interface_index(name)
        hardware = hardware_type(name)
        link_type = LINK_TYPES.get(hardware or 0)
        if link_type is None:
            raise CaptureError(f"{name} is of a kind that bootsniff cannot capture on (ARPHRD type {hardware})")
        self.link_type = link_type
        self._interfaces = (Interface(link_type, name),)
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except AttributeError as error:
            raise NoRingError("packet rings exist on Linux only") from error
        except PermissionError as error:
            raise NoRightError(f"no right to capture on {name} directly") from error
        try:
            self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
            if hardware == LOOPBACK_TYPE:
                # Every packet passes the loopback twice, out and in (libpcap drops the outgoing one as well).
                self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            frames = BLOCK_SIZE // _FRAME_SIZE * blocks
            request = struct.pack("=7I", BLOCK_SIZE, blocks, _FRAME_SIZE, frames, retire_ms, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
            self._memory = mmap.mmap(self._socket.fileno(), BLOCK_SIZE * blocks)
        except OSError as error:
            self._socket.close()
            raise CaptureError(
                f"the kernel gives no packet ring for {name}: {os.strerror(error.errno or 0)}"
            ) from error
        self._view = memoryview(self._memory)
        self._words = self._view.cast("I")
        self._headers = np.ndarray((BLOCK_SIZE * blocks - 48,), "V48", self._memory, 0, (1,))

    def start(self, program: bytes | None = None) -> None:
        """Let packets in, through the classic BPF `program` (an array of `struct sock_filter`)."""
        if program:
            self.set_filter(program)
        self.bind(self.name)

    def set_filter(self, program: bytes) -> None:
        code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)

    def bind(self, name: str) -> None:
        """Capture on `name` (again): needs no privileges once the socket is open. Raises CaptureError."""
        try:
            self._socket.bind((name, _ETH_P_ALL))
            promiscuous = struct.pack("=iHH8x", interface_index(name), _MEMBERSHIP_PROMISC, 0)
            self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, promiscuous)
        except OSError as error:
            raise CaptureError(f"cannot capture on {name}: {os.strerror(error.errno or 0)}") from error
        self.name = name
        self._interfaces = (Interface(self.link_type, name),)

    def fileno(self) -> int:
        """Readable when a block is ready."""
        return self._socket.fileno()

    def take_error(self) -> str | None:
        """The socket's pending error (`Network is down`), taken off it, so that poll(2) can sleep again."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return os.strerror(number) if number else None

    def ready(self, limit: int) -> int:
        """How many blocks wait, at most `limit`."""
        words, blocks = self._words, self.blocks
        for count in range(limit):
            block = (self._next + len(self._given) + count) % blocks
            if not words[(block * BLOCK_SIZE >> 2) + 2] & _STATUS_USER:
                return count
        return limit

    def release(self) -> None:
        """Give the blocks of the last `take` back to the kernel."""
        for block in self._given:
            self._words[(block * BLOCK_SIZE >> 2) + 2] = 0
        self._next = (self._next + len(self._given)) % self.blocks
        self._given = []

    def take(self, limit: int = 8) -> Block | None:
        """All packets of the next ready blocks (at most `limit` of them), or None when none is ready."""
        self.release()
        # Not across the end of the ring: what is looked at together shall lie together.
        ready = self.ready(min(limit, self.blocks - self._next))
        words = self._words
        starts: list[int] = []
        filled = 0
        for count in range(ready):
            number = (self._next + count) % self.blocks
            base = number * BLOCK_SIZE >> 2
            # struct tpacket_hdr_v1: status, number of packets, offset of the first one, bytes used
            packets, at, filled = words[base + 3], base + (words[base + 4] >> 2), words[base + 5]
            append = starts.append
            for _ in range(packets):
                append(at)
                at += words[at] >> 2  # tp_next_offset; frames are aligned to 16
            self._given.append(number)
        self.full = filled > BLOCK_SIZE - (BLOCK_SIZE >> 3)
        if not starts:
            self.release()
            return None
        block = self._columns(as_ints(starts) << 2)
        self.block_seconds = max(0, int(block.time[-1] - block.time[0])) / NANOSECONDS / ready
        return block

    def _columns(self, starts: npt.NDArray[np.int64]) -> Block:
        # struct tpacket3_hdr: next, sec, nsec, snaplen, len, status, mac and net (u16), rxhash, vlan_tci, tpid (u16)
        header = self._headers[starts].view(np.uint32).reshape(-1, 12)
        time = header[:, 1].astype(np.int64) * NANOSECONDS + header[:, 2]
        captured = header[:, 3].astype(np.int64)
        original = header[:, 4].astype(np.int64)
        tagged = (header[:, 5] & _VLAN_VALID) != 0
        vlan_tag = None
        if tagged.any():
            known = (header[:, 5] & _VLAN_TPID_VALID) != 0
            tpid = np.where(known, header[:, 9] & 0xFFFF, 0x8100)
            vlan_tag = np.where(tagged, tpid << 16 | header[:, 8] & 0xFFFF, 0).astype(np.uint32)
        first = self.frames + 1
        self.frames += len(starts)
        self.bytes += int(original.sum())
        if self.first is None:
            self.first = int(time[0])
        self.last = int(time[-1])
        return Block(
            capture=0,
            buffer=self._view,
            first_frame=first,
            time=time,
            offset=starts + (header[:, 6] & 0xFFFF),
            captured=captured,
            original=original,
            interface=None,
            interfaces=self._interfaces,
            vlan=None if vlan_tag is None else np.where(tagged, vlan_tag & 0xFFF, -1).astype(np.int32),
            vlan_tag=vlan_tag,
        )

    def read_drops(self) -> int:
        """Packets lost for want of a free block since the last call (reading sets the kernel's counter to zero)."""
        _, dropped, _ = struct.unpack("=III", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        self.dropped += dropped
        return int(dropped)

    def close(self) -> None:
        """Give the memory back; Blocks handed out are invalid from here on."""
        self._headers = np.empty(0, "V48")
        self._words.release()
        self._view.release()
        self._memory.close()
        self._socket.close()
