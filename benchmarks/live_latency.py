"""Prints how long it takes from a packet on the wire to its event on standard output: `python -m benchmarks.live_latency`.

50 machines boot at once in a namespace: each sends DISCOVERs and is offered something; what is timed is the way from
the send of a machine's first DISCOVER to the line that says so. Needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from .live import BOOTSNIFF
from .live_wire import FAR, NAMESPACE, NEAR, inside, wire

MACHINES = 50
ETHERTYPE_IP = 0x0800


def discover(number: int) -> bytes:
    """A PXE client's DISCOVER; machine `number` of a round."""
    mac = bytes.fromhex("5254") + number.to_bytes(4, "big")
    options = (
        b"\x35\x01\x01" + b"\x3c\x20PXEClient:Arch:00007:UNDI:003016" + b"\x5d\x02\0\x07" + b"\x5e\x03\1\3\x10\xff"
    )
    bootp = struct.pack("!4B4sHH16s16s64x128x", 1, 1, 6, 0, mac[2:], 0, 0x8000, bytes(16), mac + bytes(10))
    payload = bootp + b"\x63\x82\x53\x63" + options
    udp = struct.pack("!4H", 68, 67, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xFFFF, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    checksum = sum(struct.unpack("!10H", ip))
    checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
    ip = ip[:10] + checksum.to_bytes(2, "big") + ip[12:]
    frame: bytes = b"\xff" * 6 + mac + struct.pack("!H", ETHERTYPE_IP) + ip + udp
    return frame


def enter() -> None:
    """Move this process into the namespace."""
    import ctypes

    with open(f"/run/netns/{NAMESPACE}", "rb") as there:  # noqa: PTH123  # not a path of ours
        if ctypes.CDLL(None).setns(there.fileno(), 0x40000000):
            raise OSError("setns")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with wire():
        live = subprocess.Popen(
            inside(BOOTSNIFF, "live", NEAR, "--json", "--no-host-facts", "-Z", "root"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        if live.stdout is None or live.stderr is None:
            raise SystemExit("no pipes")
        for line in live.stderr:
            if "listening on" in line:
                break
        sent: dict[str, float] = {}
        delays: list[float] = []

        def read() -> None:
            for line in live.stdout or ():
                now = time.monotonic()
                event = json.loads(line)
                if event["event"] == "machine" and event["mac"] in sent:
                    delays.append(now - sent.pop(event["mac"]))

        reader = threading.Thread(target=read)
        reader.start()
        enter()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind((FAR, 0))
            for turn in range(arguments.rounds):
                for number in range(MACHINES):
                    frame = discover(turn * MACHINES + number)
                    sent[":".join(f"{octet:02x}" for octet in frame[6:12])] = time.monotonic()
                    sender.send(frame)
                    time.sleep(0.5 / MACHINES)
        time.sleep(1)
        live.send_signal(signal.SIGINT)
        reader.join()
        live.wait()
    delays.sort()
    print(
        f"{len(delays)} first events of {arguments.rounds * MACHINES} machines on {os.cpu_count()} cores, milliseconds:"
    )
    for share in (50, 90, 99):
        print(f"  {share:>3} %  {1000 * delays[len(delays) * share // 100]:.0f}")
    print(f"  worst  {1000 * delays[-1]:.0f}")


if __name__ == "__main__":
    main()
