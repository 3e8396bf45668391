"""`bootsniff live` as a process of its own, and a boot to send it: a machine whose file is missing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

CLIENT, SERVER = "52:54:00:12:34:56", "52:54:00:aa:bb:cc"
PXE = [("vendor_class_id", b"PXEClient:Arch:00007:UNDI:003016"), (93, b"\x00\x07"), (94, b"\1\3\x10")]
BROADCAST = "ff:ff:ff:ff:ff:ff"
TIMEOUT = 60


def dhcp(kind: str, mac: str = CLIENT, *, xid: int = 7) -> bytes:
    hardware = bytes.fromhex(mac.replace(":", ""))
    if kind in ("discover", "request"):
        ether = Ether(src=mac, dst=BROADCAST) / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67)
        options = [("message-type", kind), *PXE, "end"]
        return bytes(ether / BOOTP(chaddr=hardware, xid=xid, flags=0x8000) / DHCP(options=options))
    ether = Ether(src=SERVER, dst=BROADCAST) / IP(src="10.0.0.1", dst="255.255.255.255") / UDP(sport=67, dport=68)
    bootp = BOOTP(op=2, chaddr=hardware, xid=xid, yiaddr="10.0.0.50", siaddr="10.0.0.1", file=b"nope.efi")
    options = [("message-type", kind), ("server_id", "10.0.0.1"), ("lease_time", 3600), "end"]
    return bytes(ether / bootp / DHCP(options=options))


def tftp(payload: bytes, *, answer: bool = False) -> bytes:
    if answer:
        link = Ether(src=SERVER, dst=CLIENT) / IP(src="10.0.0.1", dst="10.0.0.50") / UDP(sport=40000, dport=2000)
    else:
        link = Ether(src=CLIENT, dst=SERVER) / IP(src="10.0.0.50", dst="10.0.0.1") / UDP(sport=2000, dport=69)
    return bytes(link / payload)


MISSING_FILE = [
    dhcp("discover"),
    dhcp("offer"),
    dhcp("request"),
    dhcp("ack"),
    tftp(b"\0\1nope.efi\0octet\0tsize\x000\0"),
    tftp(b"\0\5\0\1File not found\0", answer=True),
]


class Live:
    """The program, running; ready once it listens."""

    def __init__(
        self,
        *words: str,
        user: int | None = None,
        env: dict[str, str] | None = None,
        group: bool = False,
        ready: bool = True,
    ) -> None:
        """`group`: in a process group of its own. Without `ready` nothing is waited for."""
        command = [sys.executable, "-c", "from bootsniff.cli import main; raise SystemExit(main())", "live", *words]
        if user is not None:
            command = [
                shutil.which("setpriv") or "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                "--clear-groups",
                *command,
            ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **(env or {})},
            process_group=0 if group else None,
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr if ready else ():
            self.said.append(line.strip())
            if "listening on" in line:
                break

    def event(self, name: str, **keys: object) -> dict[str, Any]:
        """Read on until this event comes."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name and all(event[key] == value for key, value in keys.items()):
                return event
        raise AssertionError(f"no {name} {keys}; it said {self.said}")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Exit status and the rest of standard output."""
        output, errors = self.process.communicate(timeout=TIMEOUT)
        self.said += errors.splitlines()
        return self.process.returncode, output

    @property
    def processes(self) -> list[int]:
        """The showing and the capture process."""
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        return [number, *map(int, children)]


def report_of(output: str) -> dict[str, Any]:
    last = json.loads(output.splitlines()[-1])
    assert last["event"] == "report"
    report: dict[str, Any] = last["report"]
    return report
