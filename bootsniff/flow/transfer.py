"""One TFTP transfer in the making: block numbers, bytes, acknowledgements, the end (RFC 1350, 2347, 2348, 7440)."""

from __future__ import annotations

from ..model import NANOSECONDS, FrameRef
from ..wire.messages import Envelope
from ..wire.transfers import TftpAck, TftpAnswer, TftpData, TftpError, TftpOack, TftpRequest
from .lanes import CONTROL, TFTP_ACK, TFTP_DATA, Conversation, Lane, Run
from .notes import BodyTally, frame_of, led_astray, remember
from .ranges import Ranges
from .records import MAX_FRAMES, TftpTransfer

Key = tuple[int, str, int]
"""Capture point, client address, client port."""

NEW_BOOT = 40 * NANOSECONDS
"""A request after so long a silence is not a repetition: boot ROMs use the same port again at the next power-on."""
UNKNOWN_TRANSFER_ID = 5
"""ERROR code by which each side tells a stranger off; the transfer itself goes on (RFC 1350 section 4)."""


def option_number(options: tuple[tuple[str, str], ...], name: str, low: int, high: int) -> int | None:
    """Value of a numeric option, None when it is absent or out of its range."""
    text = next((value for key, value in options if key == name), "")
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    value = int(text)
    return value if low <= value <= high else None


class Transfer:
    """A record and what is needed to keep it right.

    Methods that take a packet return whether it was a step worth an event; `ended` tells that nothing more is to come.
    """

    __slots__ = ("blocks", "conversations", "ended", "final", "key", "latest_ack", "peer", "record", "tally")

    def __init__(self, key: Key, record: TftpTransfer) -> None:
        self.key = key
        self.record = record
        self.tally = BodyTally(record.body)
        self.blocks = Ranges()
        self.peer: tuple[str, int] | None = None
        """Whom the client talks to."""
        self.final: int | None = None
        """Number of the short last block, counted through roll-overs."""
        self.ended = False
        self.latest_ack = 0
        """The 16-bit number of the latest ACK."""
        self.conversations: list[Conversation] = []

    def request(self, at: FrameRef) -> None:
        remember(self.record.requests, at)
        self.record.request_count += 1
        self.record.last = at

    def repeats(self, request: TftpRequest, time: int) -> bool:
        """Whether a request from the same port repeats this transfer's, rather than begins another."""
        record = self.record
        if record.partial or record.write != request.write or record.filename != request.filename:
            return False
        if time - record.last.time > NEW_BOOT:
            return False
        # A client that did not get the server's ERROR, or the one block of a small file, asks again; one that has ended the
        # transfer itself does not.
        # One that has acknowledged blocks does not ask again: it was reset, and PXELINUX has the same ports each time.
        heard = record.error_by_client if record.error is not None else record.ack_count > 0
        return not heard

    def is_done_with(self, peer: tuple[str, int]) -> bool:
        """Whether what goes to or from this end of a server's belongs to a later transfer: PXELINUX has one port for all."""
        return (self.record.complete or self.record.acknowledged) and peer != self.peer

    def from_server(self, envelope: Envelope, message: TftpAnswer) -> bool:
        record = self.record
        at = frame_of(envelope)
        record.last = record.last_from_server = at
        record.astray = led_astray(envelope, record.client_mac)
        sender = (envelope.source, envelope.source_port)
        news = record.reply_from is None
        if record.reply_from is None:
            record.reply_from = self.peer = sender
        if sender[0] != record.server or sender != record.reply_from:
            news |= self._stranger(sender, at)
        if isinstance(message, TftpOack):
            return self._oack(message, at)
        if isinstance(message, TftpError):
            return self._error_from_server(message, sender, at)
        if sender[0] not in (record.server, record.reply_from[0]):
            return news
        if isinstance(message, TftpData):
            return (not record.write and self._data(message, at)) or news
        return (record.write and self._ack(message, at)) or news

    def from_client(self, envelope: Envelope, message: TftpAnswer) -> bool:
        record = self.record
        at = frame_of(envelope)
        record.last = at
        target = (envelope.target, envelope.target_port)
        if isinstance(message, TftpError):
            if message.code == UNKNOWN_TRANSFER_ID and self.peer is not None and target != self.peer:
                return True
            return self._error(message, at, by_client=True)
        if isinstance(message, TftpAck | TftpData):
            self.peer = target
        if isinstance(message, TftpData):
            return record.write and self._data(message, at)
        return isinstance(message, TftpAck) and not record.write and self._ack(message, at)

    # --- answers --------------------------------------------------------------------------------------------

    def _stranger(self, sender: tuple[str, int], at: FrameRef) -> bool:
        strangers = self.record.strangers
        if len(strangers) >= MAX_FRAMES or any(item[:2] == sender for item in strangers):
            return False
        strangers.append((*sender, at))
        return True

    def _oack(self, message: TftpOack, at: FrameRef) -> bool:
        record = self.record
        remember(record.oacks, at)
        record.oack_count += 1
        if record.oack is None:
            record.oack = message.options
            record.block_size = option_number(message.options, "blksize", 1, 65464) or record.block_size
            record.window_size = option_number(message.options, "windowsize", 1, 65535) or 1
            size = option_number(message.options, "tsize", 0, 1 << 62)
            record.size = record.size if size is None else size
        return True

    def _error_from_server(self, message: TftpError, sender: tuple[str, int], at: FrameRef) -> bool:
        record = self.record
        # A second server process, started by a repeated request, may fail while the first one delivers.
        elsewhere = sender != self.peer and (record.body.packets > 0 or record.oack_count > 0)
        return not elsewhere and self._error(message, at, by_client=False)

    def _error(self, message: TftpError, at: FrameRef, *, by_client: bool) -> bool:
        record = self.record
        if record.error is not None:
            answers = record.error_by_client and not by_client
            record.error_answered = record.error_answered or (at if answers else None)
            return answers
        record.error = message
        record.error_by_client = by_client
        record.error_at = at
        self.ended = True
        return True

    # --- blocks ---------------------------------------------------------------------------------------------

    def absolute(self, block: int) -> int:
        """A 16-bit block number counted through roll-overs: the one nearest to the block that comes next."""
        expected = self.record.highest_block + 1
        if self.record.rollover_to == 1:
            return expected + (block - expected + 32767) % 65535 - 32767
        if self.record.rollover_to is None and expected <= 32768:
            return block
        return expected + ((block - expected + 32768) & 0xFFFF) - 32768

    def _absolute_of_data(self, block: int) -> int:
        """As `absolute`; the first low number after the highest ones tells how this server rolls over."""
        record = self.record
        if record.rollover_to is None and block < 32768 and record.highest_block - block > 32768:
            record.rollover_to = 1 if block == 1 and record.highest_block == 65535 else 0
        return self.absolute(block)

    def _data(self, message: TftpData, at: FrameRef) -> bool:
        record = self.record
        first = record.body.packets == 0
        record.block_size = max(record.block_size, message.length)
        if first and record.partial:
            record.block_size = max(message.length, 8)
            record.highest_block = message.block - 1
        block = self._absolute_of_data(message.block)
        if block < 1:
            return False
        if self.final is not None and block > self.final:
            return first
        self.data_run(block, 1, message.length, at, at, 0)
        if message.data and not record.partial:
            self.tally.piece((block - 1) * record.block_size, message.data)
        if message.length < record.block_size and self.final is None:
            self.final = block
        if self.final is not None and not record.partial and self.blocks.covers(1, self.final + 1):
            record.complete = True
        if record.complete and not self.ended:
            self.ended = True
            return True
        return first

    def data_run(self, start: int, count: int, size: int, first: FrameRef, last: FrameRef, longest_wait: int) -> None:
        """`count` DATA packets in a row, blocks from `start` on, `size` bytes each."""
        record = self.record
        new = sum(end - begin for begin, end in self.blocks.add(start, start + count))
        self.tally.run(count, size * new, count - new, first, last, longest_wait)
        record.highest_block = max(record.highest_block, start + count - 1)
        if len(self.blocks.starts) > 1 or record.body.gaps or start > 1:
            origin = self.blocks.starts[0] if record.partial else 1
            record.body.gaps = self.blocks.holes(origin, self.blocks.highest)

    def _ack(self, message: TftpAck, at: FrameRef) -> bool:
        record = self.record
        self.latest_ack = message.block
        self.ack_run(self.absolute(message.block), 1, at)
        if self.final is not None and record.acked_block >= self.final and not self.ended:
            # The receiver has it all, although the capture does not.
            self.ended = record.acknowledged = True
            return True
        return False

    def ack_run(self, highest: int, count: int, last: FrameRef) -> None:
        """`count` ACKs of which the highest acknowledges block `highest`."""
        record = self.record
        record.ack_count += count
        record.last_ack = last
        if highest > record.acked_block:
            record.acked_block, record.newest_ack = highest, last

    # --- bulk ------------------------------------------------------------------------------------------------

    def lane(self, conversation: Conversation, *, by_client: bool) -> Lane:
        """Which packets between the client and a server need not be looked at one by one."""
        record = self.record
        server = conversation.server
        if self.ended or self.final is not None or not record.body.packets or server != self.peer:
            return Lane(CONTROL)
        if by_client != record.write:
            return Lane(TFTP_ACK, 1, 0, self.latest_ack)
        if record.reply_from is None or server[0] not in (record.server, record.reply_from[0]):
            return Lane(CONTROL)
        low = 1
        if not record.partial and not self.tally.head.full:
            low = min(max(1, -(-self.tally.head.limit // record.block_size)), 65535)
        return Lane(TFTP_DATA, low, record.block_size, (record.highest_block & 0xFFFF) + 1)

    def take_run(self, run: Run) -> None:
        if run.kind == TFTP_ACK:
            self.latest_ack = run.size
            self.ack_run(self.absolute(run.size), run.packets, run.last)
        else:  # full ones, with consecutive numbers
            start, size = self._absolute_of_data(run.begin), self.record.block_size
            self.data_run(start, run.packets, size, run.first, run.last, run.wait)
