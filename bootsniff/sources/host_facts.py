"""What the capturing host says about itself: read-only, each question with a timeout, and never a reason to fail.

Files under /proc, /sys, /var/lib/libvirt and /etc, and the output of `nft -j`, `iptables-save`, `ip -j` and
`firewall-cmd`. `HostFacts` in `model` is the answer; a field stays None when its question had none.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..model import HostFacts
from .dnsmasq_facts import find_dnsmasq
from .firewall_facts import Rules, iptables_rules, nft_rules

TIMEOUT = 2.0
"""Seconds that one command may take."""
PORTS = (67, 69, 80, 443, 4011)
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Programs are started as root: never from a directory that the caller's PATH names."""

Run = Callable[[Sequence[str]], "str | None"]


def run_command(words: Sequence[str]) -> str | None:
    """Standard output of a command, None when it is not installed, fails or takes too long."""
    environment = {"PATH": _PATH, "LC_ALL": "C"}
    program = next(
        (f"{folder}/{words[0]}" for folder in _PATH.split(":") if os.access(f"{folder}/{words[0]}", 1)), None
    )
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


class Host(NamedTuple):
    """Where the answers come from: this host's files and commands, or a test's."""

    root: Path = Path("/")
    run: Run = run_command

    def read(self, path: str) -> str | None:
        try:
            return (self.root / path).read_text("utf-8", "replace")
        except (OSError, ValueError):
            return None


def gather(interfaces: Sequence[str], host: Host | None = None) -> HostFacts:
    """Everything that concerns boots through these interfaces. Takes some 0.1 s, a few seconds at worst."""
    host = host or Host()
    addresses = _addresses(host)
    rules = _rules(host)
    bridges = _bridges(host, interfaces)
    served = [name for name, _, _ in bridges] + list(interfaces)
    own = [address for name, address in addresses if name in served]
    dnsmasq = find_dnsmasq(host.root, served, own)
    return HostFacts(
        masquerades=None if rules is None else rules.masquerades,
        tftp_helper_assigned=_helper_assigned(host, rules),
        tftp_helper_loaded=_helper_loaded(host),
        forwards=_flag(host.read("proc/sys/net/ipv4/ip_forward")),
        listeners=_listeners(host),
        addresses=tuple(address for _, address in addresses),
        bridges=bridges,
        firewalld_zones=_zones(host, served),
        libvirt_network=dnsmasq.libvirt_network,
        dnsmasq_config=dnsmasq.config,
        dnsmasq_options=dnsmasq.options,
    )


def _flag(text: str | None) -> bool | None:
    return None if text is None else text.strip() == "1"


def _rules(host: Host) -> Rules | None:
    """Of nftables and of both kinds of iptables; None when neither could be asked."""
    answers = []
    nft = host.run(["nft", "-j", "list", "ruleset"])
    if nft is not None:
        answers.append(nft_rules(nft))
    for table in ("nat", "raw"):
        saved = host.run(["iptables-save", "-t", table])
        if saved is not None:
            answers.append(iptables_rules(saved))
    known = [answer for answer in answers if answer is not None]
    if not known:
        return None
    networks = dict.fromkeys(network for answer in known for network in answer.masquerades)
    return Rules(tuple(networks), any(answer.tftp_helper for answer in known))


def _helper_assigned(host: Host, rules: Rules | None) -> bool | None:
    if _flag(host.read("proc/sys/net/netfilter/nf_conntrack_helper")):
        return True  # the kernel assigns helpers by port itself; gone since Linux 6.0
    return None if rules is None else rules.tftp_helper


def _helper_loaded(host: Host) -> bool | None:
    modules = host.read("proc/modules")
    if modules is not None and any(line.startswith("nf_nat_tftp ") for line in modules.splitlines()):
        return True
    if (host.root / "sys/module/nf_nat_tftp").exists():
        return True
    # Built into the kernel: not in the list of modules, and without parameters also not in /sys.
    built_in = host.read(f"lib/modules/{os.uname().release}/modules.builtin")
    if built_in is not None and "/nf_nat_tftp.ko" in built_in:
        return True
    try:
        with gzip.open(host.root / "proc/config.gz", "rt", encoding="ascii", errors="replace") as config:
            if "\nCONFIG_NF_NAT_TFTP=y\n" in config.read():
                return True
    except (OSError, EOFError):
        pass
    return None if modules is None else False


def _listeners(host: Host) -> tuple[tuple[str, str, int], ...] | None:
    found: dict[tuple[str, str, int], None] = {}
    asked = False
    for protocol in ("udp", "tcp"):
        for family in ("", "6"):
            text = host.read(f"proc/net/{protocol}{family}")
            if text is None:
                continue
            asked = True
            for address, port in parse_sockets(text, listening=protocol == "tcp"):
                if port in PORTS:
                    found[protocol, address, port] = None
    return tuple(found) if asked else None


def parse_sockets(text: str, *, listening: bool) -> list[tuple[str, int]]:
    """Local addresses and ports of a /proc/net table; of sockets in LISTEN only with `listening`."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 4 or (listening and fields[3] != "0A"):
            continue
        address, _, port = fields[1].partition(":")
        try:
            words = bytes.fromhex(address)
            number = int(port, 16)
        except ValueError:
            continue
        if len(words) not in (4, 16):
            continue
        # Each 32 bits are in the order of this machine's processor.
        raw = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
        if socket.ntohl(1) == 1:  # pragma: no cover - big-endian machines
            raw = words
        sockets.append((socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw), number))
    return sockets


def _addresses(host: Host) -> list[tuple[str, str]]:
    """(interface, address)."""
    text = host.run(["ip", "-j", "address", "show"])
    try:
        links = json.loads(text) if text else []
        return [
            (str(link["ifname"]), str(entry["local"]))
            for link in links
            for entry in link.get("addr_info", [])
            if "local" in entry
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def _bridges(host: Host, interfaces: Sequence[str]) -> tuple[tuple[str, bool, float], ...]:
    found: dict[str, tuple[str, bool, float]] = {}
    for name in interfaces:
        master = host.root / f"sys/class/net/{name}/master"
        bridge = name
        try:
            if master.is_symlink():
                bridge = master.readlink().name
        except OSError:
            continue
        stp = host.read(f"sys/class/net/{bridge}/bridge/stp_state")
        delay = host.read(f"sys/class/net/{bridge}/bridge/forward_delay")
        if stp is not None and delay is not None and delay.strip().isdigit():
            found[bridge] = (bridge, stp.strip() != "0", int(delay) / 100)  # the file counts hundredths of a second
    return tuple(found.values())


def _zones(host: Host, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    zones = {}
    for name in names:
        answer = host.run(["firewall-cmd", f"--get-zone-of-interface={name}"])
        if answer is None:
            break  # not installed or not running: asking again would only wait again
        if answer.strip():
            zones[name] = answer.strip()
    return tuple(zones.items())
