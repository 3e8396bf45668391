"""Which UDP packets are one TFTP transfer; what they mean is said in `transfer`.

A transfer is known by the client's address and port alone: the server answers from a port of its own choice, or from
another address altogether when it is set up wrongly, and both must be seen.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ..errors import Malformed
from ..model import NANOSECONDS
from ..wire import tftp
from ..wire.messages import Envelope, IcmpMessage
from ..wire.transfers import TftpAck, TftpAnswer, TftpData, TftpRequest
from .idle import to_forget
from .notes import frame_of, notice
from .records import Event, TftpTransfer
from .transfer import Key, Transfer, option_number

MAX_TRANSFERS = 8192
MAX_CANDIDATES = 1024
MAX_EARLY = 8
EARLY = NANOSECONDS // 1000
"""An answer may stand before its request in a capture that two queues or two taps made, whatever their times say."""
IDLE = 300 * NANOSECONDS
"""A transfer this long without a packet is forgotten; its record stays with whoever holds it."""


class _Candidate(NamedTuple):
    """A packet that may be DATA of a transfer whose request was not captured."""

    envelope: Envelope
    data: TftpData


class TftpFlows:
    """All transfers of one capture."""

    def __init__(self) -> None:
        self.transfers: dict[Key, Transfer] = {}
        self._clients: dict[tuple[int, str], dict[int, Transfer]] = {}
        """By capture point and client address, then port."""
        self._candidates: dict[tuple[int, str, int, str, int], _Candidate] = {}
        self._early: deque[tuple[Envelope, TftpAnswer]] = deque(maxlen=MAX_EARLY)
        """The latest packets that may be answers to a request that comes behind them."""
        self.evicted = 0

    def packet(self, envelope: Envelope, payload: bytes, length: int, out: list[Event]) -> Transfer | None:
        """Take a UDP packet (`payload` as captured, `length` on the wire); None when it is none of TFTP's."""
        try:
            message = tftp.parse(payload, length)
        except Malformed:
            return None
        if isinstance(message, TftpRequest):
            return self._request(envelope, message, payload, out)
        transfer = self.find(envelope.point, envelope.source, envelope.source_port)
        if transfer is not None:
            if transfer.is_done_with((envelope.target, envelope.target_port)):
                return self._middle(envelope, message, length, out) or transfer
            self._emit(transfer, envelope, out, was=transfer.ended, news=transfer.from_client(envelope, message))
            return transfer
        transfer = self.find(envelope.point, envelope.target, envelope.target_port)
        if transfer is not None:
            if transfer.is_done_with((envelope.source, envelope.source_port)):
                return self._middle(envelope, message, length, out) or transfer
            self._emit(transfer, envelope, out, was=transfer.ended, news=transfer.from_server(envelope, message))
            return transfer
        return self._middle(envelope, message, length, out)

    def find(self, point: int, address: str, port: int) -> Transfer | None:
        """The transfer of a client's address and port."""
        return self.transfers.get((point, address, port))

    def of_hosts(self, point: int, one: str, other: str) -> list[Transfer]:
        """The transfers whose client is one of two hosts."""
        return [*self._clients.get((point, one), {}).values(), *self._clients.get((point, other), {}).values()]

    def between(self, point: int, one: str, other: str) -> Transfer | None:
        """The only unfinished transfer between two hosts; None when there are none or several."""
        found = [
            transfer
            for transfer in self.of_hosts(point, one, other)
            if not transfer.ended and {transfer.record.client, transfer.record.server} == {one, other}
        ]
        return found[0] if len(found) == 1 else None

    def icmp(self, transfer: Transfer, envelope: Envelope, message: IcmpMessage, out: list[Event]) -> None:
        """Take an ICMP error that quotes a packet of a transfer."""
        record = transfer.record
        notice(record.icmp, envelope, message)
        record.icmp_count += 1
        out.append(Event(envelope, record, "changed"))

    def evict(self, now: int) -> list[Transfer]:
        """Forget what has been quiet for long, and the quietest when there are too many."""
        gone, excess = to_forget(self.transfers.values(), now, lambda _: IDLE, MAX_TRANSFERS)
        self.evicted += excess
        for item in gone:
            del self.transfers[item.key]
            self._clients[item.key[:2]].pop(item.key[2], None)
            if not self._clients[item.key[:2]]:
                del self._clients[item.key[:2]]
        return gone

    # --- the beginning of a transfer ------------------------------------------------------------------------

    def _request(self, envelope: Envelope, request: TftpRequest, payload: bytes, out: list[Event]) -> Transfer:
        key = (envelope.point, envelope.source, envelope.source_port)
        transfer = self.transfers.get(key)
        at = frame_of(envelope)
        if transfer is not None and transfer.repeats(request, envelope.time):
            transfer.request(at)
            out.append(Event(envelope, transfer.record, "changed"))
            return transfer
        if transfer is not None and not transfer.ended:
            transfer.ended = True
            out.append(Event(envelope, transfer.record, "ended"))
        transfer = self._new(key, envelope, request)
        transfer.record.request_payload = payload
        transfer.request(at)
        out.append(Event(envelope, transfer.record, "opened"))
        for ahead, answer in self._early:
            if (ahead.point, ahead.target, ahead.target_port) == key and abs(envelope.time - ahead.time) <= EARLY:
                self._emit(transfer, ahead, out, was=transfer.ended, news=transfer.from_server(ahead, answer))
        self._early.clear()
        return transfer

    def _middle(self, envelope: Envelope, message: TftpAnswer, length: int, out: list[Event]) -> Transfer | None:
        """A transfer whose request was not captured is believed once an ACK answers a DATA packet of its block."""
        if not isinstance(message, TftpAck):
            self._early.append((envelope, message))
        if isinstance(message, TftpData):
            way = (envelope.point, envelope.source, envelope.source_port, envelope.target, envelope.target_port)
            self._candidates.pop(way, None)
            if len(self._candidates) >= MAX_CANDIDATES:
                del self._candidates[next(iter(self._candidates))]
            self._candidates[way] = _Candidate(envelope, message)
            return None
        if not isinstance(message, TftpAck) or length != 4:
            return None
        way = (envelope.point, envelope.target, envelope.target_port, envelope.source, envelope.source_port)
        candidate = self._candidates.get(way)
        if candidate is None or candidate.data.block != message.block:
            return None
        del self._candidates[way]
        nameless = TftpRequest(write=False, filename="", mode="octet")
        key = (envelope.point, envelope.source, envelope.source_port)
        transfer = self._new(key, envelope, nameless)
        transfer.record.partial = True
        transfer.record.start = candidate.envelope.time
        transfer.from_server(candidate.envelope, candidate.data)
        out.append(Event(envelope, transfer.record, "opened"))
        self._emit(transfer, envelope, out, was=False, news=transfer.from_client(envelope, message))
        return transfer

    def _new(self, key: Key, envelope: Envelope, request: TftpRequest) -> Transfer:
        record = TftpTransfer(
            capture=envelope.capture,
            client=envelope.source,
            client_port=envelope.source_port,
            client_mac=envelope.source_mac,
            server=envelope.target,
            server_mac=envelope.target_mac,
            server_port=envelope.target_port,
            vlan=envelope.vlan,
            write=request.write,
            filename=request.filename,
            mode=request.mode,
            options=request.options,
            point=envelope.point,
            start=envelope.time,
            last=frame_of(envelope),
        )
        if request.write:
            record.size = option_number(request.options, "tsize", 0, 1 << 62)
        transfer = Transfer(key, record)
        self.transfers[key] = transfer
        self._clients.setdefault(key[:2], {})[key[2]] = transfer
        return transfer

    @staticmethod
    def _emit(transfer: Transfer, envelope: Envelope, out: list[Event], *, was: bool, news: bool) -> None:
        if transfer.ended and not was:
            out.append(Event(envelope, transfer.record, "ended"))
        elif news:
            out.append(Event(envelope, transfer.record, "changed"))
