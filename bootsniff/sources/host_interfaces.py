"""Lists this host's interfaces, what can be captured on each and what stands in the way; opens nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

from msgspec import Struct

from ..text import printable
from .advice import advice
from .host_facts import Host
from .interfaces import LOOPBACK_TYPE, hardware_type, is_connected, is_up
from .link_types import link_type_name
from .ring import LINK_TYPES

_CAP_NET_RAW = 13
_CAPABILITIES = "security.capability"


class Rights(Struct, frozen=True):
    """How this user can capture."""

    way: str | None
    """`ring` (root, or CAP_NET_RAW), `dumpcap`, or None."""
    advice: str | None
    """What to do about it when there is no way."""


_CAGED = (
    "this is root without CAP_NET_RAW, as in a container: start it with that capability (`--cap-add NET_RAW`) and in "
    "the network namespace of the host (`--network host`)"
)


class HostInterface(Struct, frozen=True):
    """One interface."""

    name: str
    kind: str
    """`bridge`, `bridge port`, `tap`, `vlan`, `bond`, `wireless`, `loopback`, `tunnel`, `hardware`, `virtual`."""
    master: str | None
    up: bool
    link_type: str | None
    addresses: tuple[str, ...]
    obstacle: str | None
    """Why nothing can be captured on it, whoever tries; None when it can."""
    hint: str | None
    """What it shows of boots."""


def rights() -> Rights:
    """How this process may capture."""
    if _has_net_raw():
        return Rights("ring", None)
    program = shutil.which("dumpcap")
    if program is not None and os.access(program, os.X_OK) and _capable(program):
        return Rights("dumpcap", None)
    return Rights(None, advice(words=("live", "IFACE")) if os.geteuid() else _CAGED)


def _has_net_raw() -> bool:
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        effective = next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1]
        return bool(int(effective, 16) >> _CAP_NET_RAW & 1)
    except (OSError, StopIteration, ValueError, IndexError):
        return os.geteuid() == 0


def _capable(program: str) -> bool:
    try:
        if Path(program).stat().st_mode & 0o4000:
            return True
        return bool(os.getxattr(program, _CAPABILITIES))
    except (OSError, AttributeError):  # Linux alone has such attributes
        return False


def list_interfaces(host: Host | None = None) -> list[HostInterface]:
    """All interfaces: those that boots are likely to pass first."""
    host = host or Host()
    addresses = _addresses(host)
    found = [_interface(name, host, addresses.get(name, ())) for _, name in socket.if_nameindex()]
    order = ("bridge", "hardware", "bond", "vlan", "virtual", "wireless", "bridge port", "tap", "tunnel", "loopback")
    return sorted(found, key=lambda each: (each.obstacle is not None, not each.up, order.index(each.kind), each.name))


def _interface(name: str, host: Host, addresses: tuple[str, ...]) -> HostInterface:
    hardware = hardware_type(name)
    link_type = LINK_TYPES.get(hardware or 0)
    up = is_up(name)
    master = _master(name, host)
    kind = _kind(name, hardware, master, host)
    obstacle = None
    if link_type is None:
        obstacle = f"bootsniff does not know this kind of link (ARPHRD type {hardware})"
    elif not up:
        obstacle = f"it is down: ip link set {name} up"
    return HostInterface(
        printable(os.fsencode(name)),
        kind,
        None if master is None else printable(os.fsencode(master)),
        up,
        None if link_type is None else link_type_name(link_type),
        addresses,
        None if obstacle is None else printable(os.fsencode(obstacle)),
        _hint(kind, master, connected=is_connected(name)),
    )


def _hint(kind: str, master: str | None, *, connected: bool) -> str | None:
    if not connected:
        return "nothing is connected to it (no carrier)"
    if kind == "bridge":
        return "all machines on the bridge"
    if master is not None:
        return f"one port of {printable(os.fsencode(master))}: capture there to see them all"
    if kind == "wireless":
        return "no machine boots over it, and others' traffic stays unseen"
    if kind == "tunnel":
        return "no Ethernet: neither ARP nor DHCP broadcasts"
    return None


def _master(name: str, host: Host) -> str | None:
    try:
        return (host.root / f"sys/class/net/{name}/master").readlink().name
    except OSError:
        return None


def _kind(name: str, hardware: int | None, master: str | None, host: Host) -> str:
    folder = host.root / f"sys/class/net/{name}"
    if hardware == LOOPBACK_TYPE:
        return "loopback"
    if (folder / "bridge").exists():
        return "bridge"
    if master is not None:
        return "bridge port"
    if hardware is not None and hardware != 1:
        return "tunnel"
    for entry, kind in (("bonding", "bond"), ("wireless", "wireless"), ("tun_flags", "tap"), ("device", "hardware")):
        if (folder / entry).exists():
            return kind
    uevent = host.read(f"sys/class/net/{name}/uevent") or ""
    return "vlan" if "DEVTYPE=vlan" in uevent else "virtual"


def _addresses(host: Host) -> dict[str, tuple[str, ...]]:
    text = host.run(["ip", "-j", "address", "show"])
    try:
        return {
            str(link["ifname"]): tuple(f"{entry['local']}/{entry['prefixlen']}" for entry in link.get("addr_info", ()))
            for link in (json.loads(text) if text else ())
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
