"""A small TCP connection that tests write packets with; sequence numbers of both sides are kept here."""

from __future__ import annotations

from tests.flow.packets import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Frame, tcp


class Stream:
    """Builds frames in order; `frames` holds them with their times, a millisecond apart."""

    def __init__(
        self,
        port: int = 40000,
        server_port: int = 80,
        *,
        client: str = CLIENT,
        server: str = SERVER,
        start: float = 1.0,
        isn: tuple[int, int] = (1000, 5000),
        vlan: int | None = None,
    ) -> None:
        self.ends = (client, port), (server, server_port)
        self.seq = list(isn)
        self.now = start
        self.vlan = vlan
        self.frames: list[Frame] = []

    def send(
        self, side: int, payload: bytes = b"", flags: int = ACK, *, seq: int | None = None, window: int = 64240
    ) -> Frame:
        """One packet; side 0 is the client. With `seq` given (relative to the next one) the state stays."""
        (source, sport), (target, dport) = self.ends[side], self.ends[1 - side]
        at = self.seq[side] + (seq or 0)
        frame = tcp(
            source, sport, target, dport, at, payload, flags, ack=self.seq[1 - side], window=window, vlan=self.vlan
        )
        if seq is None:
            self.seq[side] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        self.now += 0.001
        self.frames.append((self.now, frame))
        return self.frames[-1]

    def open(self) -> Stream:
        self.send(0, flags=SYN)
        self.send(1, flags=SYN | ACK)
        self.send(0)
        return self

    def ask(self, text: str) -> Stream:
        self.send(0, text.replace("\n", "\r\n").encode(), PSH | ACK)
        return self

    def answer(self, data: bytes, size: int = 1460) -> Stream:
        """Bytes from the server in segments of `size`, acknowledged."""
        for start in range(0, len(data), size):
            self.send(1, data[start : start + size], PSH | ACK)
            self.send(0)
        return self

    def close(self, *, by: int = 1) -> Stream:
        self.send(by, flags=FIN | ACK)
        self.send(1 - by, flags=FIN | ACK)
        self.send(by)
        return self

    def reset(self, by: int) -> Stream:
        self.send(by, flags=RST | ACK, window=0)
        return self


def get(path: str, host: str = SERVER, method: str = "GET") -> str:
    return f"{method} {path} HTTP/1.1\nHost: {host}\n\n"


def ok(body: bytes, *fields: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields]
    if length is None:
        length = len(body)
    if length >= 0:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode() + body
