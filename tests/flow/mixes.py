"""Random mixes of boot traffic: several flows of every kind, with loss, copies and changed order, interleaved."""

from __future__ import annotations

import struct
from random import Random

from tests.flow.packets import CLIENT, SERVER, Frame, ack, data, error, fragments, frame, oack, rrq, udp
from tests.flow.stream import Stream, get, ok

CLIENT6, SERVER6 = "fd00::7", "fd00::1"


def content(chance: Random, low: int, high: int) -> bytes:
    if chance.random() < 0.3:
        return (b"echo script line\n" * (high // 17 + 1))[: chance.randint(low, high)]
    return chance.randbytes(chance.randint(low, high))


def tftp(chance: Random, number: int) -> list[Frame]:
    """Transfers from one client port: lockstep or windows, either address family, perhaps in fragments."""
    six = chance.random() < 0.3
    client, server = (CLIENT6, SERVER6) if six else (CLIENT, SERVER)
    vlan = chance.choice([None, None, 7])
    port, tid = 2000 + number, 40000 + number
    size = chance.choice([512, 1024, 1468])
    window = chance.choice([1, 1, 4])
    fragmented = chance.random() < 0.15 and not six and vlan is None
    frames: list[Frame] = []
    now = chance.random() * 2

    def put(sent: bytes, back: bool, other: int) -> None:
        nonlocal now
        now += chance.random() * chance.choice([0.001, 0.001, 0.02])
        ends = (server, other, client, port) if back else (client, port, server, other)
        whole = udp(*ends, sent, vlan)
        if fragmented and len(whole) > 700:
            frames.extend((now, piece) for piece in fragments(whole, 552, 1 + len(frames) % 65000))
        else:
            frames.append((now, whole))

    for turn in range(chance.choice([1, 1, 2])):
        name = f"file{number}-{turn}"
        body = content(chance, 0, 90000)
        for _ in range(chance.choice([1, 1, 3])):
            put(rrq(name, "blksize", str(size), "tsize", "0", "windowsize", str(window)), False, 69)
        if chance.random() < 0.1:
            put(error(1, "not found"), True, tid)
            continue
        put(oack("blksize", str(size), "tsize", str(len(body)), "windowsize", str(window)), True, tid)
        put(ack(0), False, tid)
        if chance.random() < 0.1:
            put(error(8, "aborted"), False, tid)
            continue
        for index in range(len(body) // size + 1):
            put(data(index + 1, body[index * size : (index + 1) * size]), True, tid)
            if (index + 1) % window == 0 or index == len(body) // size:
                put(ack(index + 1), False, tid)
        tid += chance.choice([0, 500])
    return frames


def http(chance: Random, number: int) -> list[Frame]:
    """A connection with several exchanges of every framing."""
    six = chance.random() < 0.3
    client, server = (CLIENT6, SERVER6) if six else (CLIENT, SERVER)
    high = chance.choice([1000, 0xFFFF0000, 0xFFFFFF00])
    stream = Stream(
        3000 + number,
        isn=(high, high - 5),
        vlan=chance.choice([None, 9]),
        start=chance.random() * 2,
        client=client,
        server=server,
    )
    begin = chance.random()
    if begin < 0.9:
        stream.open()
    size = chance.choice([536, 1460, 1460, 9000])
    for turn in range(chance.randint(1, 4)):
        body = content(chance, 0, 150000)
        framing = chance.choice(["length", "length", "length", "chunked", "head", "close", "not found"])
        stream.ask(get(f"/{number}/{turn}", method="HEAD" if framing == "head" else "GET"))
        if framing == "length":
            stream.answer(ok(body), size)
        elif framing == "head":
            stream.answer(ok(b"", length=len(body)), size)
        elif framing == "not found":
            stream.answer(ok(b"no such file", status="404 Not Found"), size)
        elif framing == "chunked":
            step = chance.choice([3000, 20000])
            parts = [body[at : at + step] for at in range(0, len(body), step)]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
            stream.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", size)
        else:
            stream.answer(b"HTTP/1.0 200 OK\r\n\r\n" + body, size)
            break
    if chance.random() < 0.5:
        stream.close(by=chance.choice([0, 1]))
    elif chance.random() < 0.5:
        stream.reset(chance.choice([0, 1]))
    if chance.random() < 0.2:  # the port is used again
        again = (
            Stream(3000 + number, isn=(77, 99), start=stream.now + 0.1, client=client, server=server)
            .open()
            .ask(get("/again"))
        )
        return stream.frames + again.answer(ok(content(chance, 0, 20000))).frames
    return stream.frames


def other_tcp(chance: Random, number: int) -> list[Frame]:
    """Something else over TCP, which may turn to HTTP late."""
    stream = Stream(5000 + number, 22, start=chance.random() * 2)
    if chance.random() < 0.5:
        stream.open()
    stream.answer(chance.randbytes(chance.randint(10, 40000))).ask("hello\n").answer(chance.randbytes(3000))
    if chance.random() < 0.4:
        stream.ask(get("/late")).answer(ok(content(chance, 0, 20000)))
    return stream.frames


def tls(chance: Random, number: int) -> list[Frame]:
    """Hellos, then bytes that nobody can read."""
    stream = Stream(6000 + number, 443, start=chance.random() * 2).open()
    client_hello = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\xc0\x2f" + b"\1\0"
    server_hello = b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"

    def record(kind: int, payload: bytes) -> bytes:
        return struct.pack(">BHH", kind, 0x0303, len(payload)) + payload

    def hello(kind: int, payload: bytes) -> bytes:
        return record(22, bytes([kind]) + len(payload).to_bytes(3, "big") + payload)

    stream.send(0, hello(1, client_hello))
    stream.answer(hello(2, server_hello) + record(20, b"\1"))
    stream.send(0, record(20, b"\1") + record(23, chance.randbytes(100)))
    for _ in range(chance.randint(0, 20)):
        stream.answer(record(23, chance.randbytes(chance.randint(1, 9000))))
        stream.send(0, record(23, chance.randbytes(50)))
    return stream.frames


def other_udp(chance: Random, number: int) -> list[Frame]:
    start = chance.random() * 2
    first = chance.choice([b"\x80\x60", b"\0\3", b"\0\0"])
    return [
        (start + index / 500, udp(SERVER, 7000 + number, CLIENT, 8000, first + struct.pack(">H", index) + bytes(100)))
        for index in range(chance.randint(1, 100))
    ]


def dhcp(chance: Random, number: int) -> list[Frame]:
    mac = bytes([0x52, 0x54, 0, 0, 0, number])
    message = (
        struct.pack(">BBBBIHH", 1, 1, 6, 0, number, 0, 0)
        + bytes(16)
        + mac
        + bytes(202)
        + b"\x63\x82\x53\x63\x35\1\1\xff"
    )
    start = chance.random() * 2
    return [(start + at, udp("0.0.0.0", 68, "255.255.255.255", 67, message)) for at in (0.0, 0.5, 1.2)]


def icmp(chance: Random, number: int) -> list[Frame]:
    """Port unreachable for a TFTP client or for nobody."""
    quoted = udp(SERVER, 40000 + number, CLIENT, 2000 + number, data(5, b"x" * 20))[14:]
    at = chance.random() * 3
    return [(at + step, frame(CLIENT, SERVER, 1, b"\3\3\0\0\0\0\0\0" + quoted)) for step in (0, 0.3)]


KINDS = (tftp, tftp, tftp, http, http, http, other_tcp, tls, other_udp, dhcp, icmp)


def mix(chance: Random) -> list[Frame]:
    """Frames of several flows in order of time, some lost, some repeated, some late, some captured twice."""
    frames: list[Frame] = []
    for number in range(chance.randint(1, 6)):
        part = chance.choice(KINDS)(chance, number)
        harm = chance.choice([0.0, 0.0, 0.01, 0.1])
        for at, whole in part:
            fate = chance.random() / harm if harm else 1.0
            if fate < 0.4:
                continue
            late = chance.random() * 0.05 if fate < 0.6 else 0.0
            frames.append((at + late, whole))
            if 0.6 <= fate < 0.8:
                frames.append((at + chance.random() * 0.5, whole[:18] + chance.randbytes(2) + whole[20:]))
            elif 0.8 <= fate < 1.0:
                frames.append((at + chance.random() * 0.001, whole))
    frames.sort(key=lambda item: item[0])
    return [(1_700_000_000 + at, whole) for at, whole in frames]
