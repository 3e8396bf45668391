"""What can be captured here: kinds, hints, obstacles and rights, of made-up hosts and of a network namespace."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from bootsniff.sources import host_interfaces
from bootsniff.sources.host_facts import Host
from bootsniff.sources.host_interfaces import HostInterface, list_interfaces, rights

from .netns import FAR, NEAR, Namespace, needs_root

ETHERNET, LOOPBACK, MONITOR, TUN = 1, 772, 803, 65534


class MadeUp:
    """A host with interfaces of these kinds: name -> (hardware type, up, connected, files of its folder in /sys)."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.known: dict[str, tuple[int, bool, bool]] = {}
        self.addresses: str | None = None
        monkeypatch.setattr(socket, "if_nameindex", lambda: list(enumerate(self.known, 1)))
        monkeypatch.setattr(host_interfaces, "hardware_type", lambda name: self.known[name][0])
        monkeypatch.setattr(host_interfaces, "is_up", lambda name: self.known[name][1])
        monkeypatch.setattr(host_interfaces, "is_connected", lambda name: self.known[name][2])

    def add(
        self,
        name: str,
        *files: str,
        hardware: int = ETHERNET,
        up: bool = True,
        connected: bool = True,
        master: str = "",
    ) -> None:
        self.known[name] = hardware, up, connected
        folder = self.root / "sys/class/net" / name
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).write_text("DEVTYPE=vlan\n" if file == "uevent" else "")
        if master:
            (folder / "master").symlink_to(f"../{master}")

    def list(self) -> dict[str, HostInterface]:
        def run(words: Sequence[str]) -> str | None:
            return self.addresses if list(words) == ["ip", "-j", "address", "show"] else None

        return {each.name: each for each in list_interfaces(Host(self.root, run))}


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    return MadeUp(tmp_path, monkeypatch)


def test_kinds_and_their_order(made_up: MadeUp) -> None:
    made_up.add("lo", hardware=LOOPBACK)
    made_up.add("wg0", hardware=TUN)
    made_up.add("vnet3", "tun_flags", master="virbr0")
    made_up.add("tap1", "tun_flags")
    made_up.add("wlan0", "wireless", "device")
    made_up.add("veth9")
    made_up.add("eth0.7", "uevent")
    made_up.add("bond0", "bonding")
    made_up.add("eth0", "device")
    made_up.add("virbr0", "bridge")
    assert [(name, each.kind) for name, each in made_up.list().items()] == [
        ("virbr0", "bridge"),
        ("eth0", "hardware"),
        ("bond0", "bond"),
        ("eth0.7", "vlan"),
        ("veth9", "virtual"),
        ("wlan0", "wireless"),
        ("vnet3", "bridge port"),
        ("tap1", "tap"),
        ("wg0", "tunnel"),
        ("lo", "loopback"),
    ]


def test_hints_and_obstacles(made_up: MadeUp) -> None:
    made_up.add("br0", "bridge")
    made_up.add("br1", "bridge", connected=False)
    made_up.add("vnet3", master="br0")
    made_up.add("eth1", "device", up=False, connected=False)
    made_up.add("mon0", "wireless", hardware=MONITOR)
    made_up.add("wg0", hardware=TUN)
    found = made_up.list()
    assert [(name, each.hint, each.obstacle, each.link_type) for name, each in found.items()] == [
        ("br0", "all machines on the bridge", None, "EN10MB"),
        ("br1", "nothing is connected to it (no carrier)", None, "EN10MB"),
        ("vnet3", "one port of br0: capture there to see them all", None, "EN10MB"),
        ("wg0", "no Ethernet: neither ARP nor DHCP broadcasts", None, "RAW"),
        (
            "mon0",
            "no Ethernet: neither ARP nor DHCP broadcasts",
            "bootsniff does not know this kind of link (ARPHRD type 803)",
            None,
        ),
        ("eth1", "nothing is connected to it (no carrier)", "it is down: ip link set eth1 up", "EN10MB"),
    ]
    assert found["vnet3"].master == "br0"


def test_addresses_come_from_ip(made_up: MadeUp) -> None:
    made_up.add("eth0", "device")
    made_up.add("eth1", "device")
    links = [
        {
            "ifname": "eth0",
            "addr_info": [{"local": "192.0.2.2", "prefixlen": 24}, {"local": "fe80::1", "prefixlen": 64}],
        },
        {"ifname": "eth1"},
        {"ifname": "eth9", "addr_info": []},
    ]
    made_up.addresses = json.dumps(links)
    assert [each.addresses for each in made_up.list().values()] == [("192.0.2.2/24", "fe80::1/64"), ()]


@pytest.mark.parametrize("said", [None, "", "no JSON", "5", "[{}]", '[{"ifname": "eth0", "addr_info": [{}]}]'])
def test_no_usable_answer_of_ip_leaves_the_addresses_out(made_up: MadeUp, said: str | None) -> None:
    made_up.add("eth0", "device")
    made_up.addresses = said
    assert made_up.list()["eth0"].addresses == ()


def test_names_are_made_safe_to_show(made_up: MadeUp) -> None:
    made_up.add("e\x1b[2J", up=False, master="b\x1b")
    made_up.add(os.fsdecode(b"n\xff"))
    found = made_up.list()
    assert set(found) == {r"e\x1b[2J", r"n\xff"}
    shown = found[r"e\x1b[2J"]
    assert (shown.master, shown.obstacle) == (r"b\x1b", r"it is down: ip link set e\x1b[2J up")
    assert "\x1b" not in (shown.hint or "")


@needs_root
def test_of_a_namespace(namespace: Namespace) -> None:
    namespace.ip("address", "add", "192.0.2.9/24", "dev", NEAR)
    namespace.ip("link", "set", FAR, "down")
    found = {each.name: each for each in list_interfaces()}
    assert found[NEAR].addresses == ("192.0.2.9/24",)
    assert (found[NEAR].up, found[NEAR].obstacle) == (True, None)
    assert (found[FAR].up, found[FAR].obstacle) == (False, f"it is down: ip link set {FAR} up")
    assert (found[FAR].hint, found["lo"].hint) == ("nothing is connected to it (no carrier)", None)
    assert (found["lo"].kind, found["lo"].link_type) == ("loopback", "EN10MB")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the PATH, empty; the process has no capability and is an ordinary user's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(host_interfaces, "_has_net_raw", lambda: False)
    return tmp_path


def install_dumpcap(folder: Path, mode: int = 0o755) -> None:
    (folder / "dumpcap").write_text("")
    (folder / "dumpcap").chmod(mode)


def test_the_capability_is_enough(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_interfaces, "_has_net_raw", lambda: True)
    assert (rights().way, rights().advice) == ("ring", None)


@pytest.mark.parametrize(
    ("mode", "attribute", "way"),
    [
        (0o755, b"\1\0\0\2", "dumpcap"),
        (0o4755, None, "dumpcap"),
        (0o755, None, None),  # installed, but not allowed to capture
        (0o644, b"\1\0\0\2", None),
    ],
)
def test_dumpcap_is_enough_where_it_has_the_right(
    programs: Path, monkeypatch: pytest.MonkeyPatch, mode: int, attribute: bytes | None, way: str | None
) -> None:
    def getxattr(path: str, name: str) -> bytes:
        assert (path, name) == (str(programs / "dumpcap"), "security.capability")
        if attribute is None:
            raise OSError(61, "No data available")
        return attribute

    install_dumpcap(programs, mode)
    monkeypatch.setattr(os, "getxattr", getxattr)
    found = rights()
    assert found.way == way
    assert (found.advice is None) == (way is not None)


def test_without_any_right_it_says_what_to_do(programs: Path) -> None:
    found = rights()
    assert found.way is None
    assert "sudo " in str(found.advice)
    assert "live IFACE" in str(found.advice)


def test_a_system_without_file_capabilities(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_dumpcap(programs)
    monkeypatch.delattr(os, "getxattr")
    assert rights().way is None


def test_root_of_a_container(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = rights()
    assert found.way is None
    assert "--cap-add NET_RAW" in str(found.advice)


@pytest.mark.parametrize(
    ("status", "user", "has"),
    [
        ("Name:\tx\nCapEff:\t0000000000002000\n", 1000, True),
        ("Name:\tx\nCapEff:\t000001ffffffdfff\n", 0, False),
        ("CapEff:\tnothing\n", 0, True),
        ("CapEff:\n", 1000, False),
        (None, 0, True),  # no /proc: then root may
        (None, 1000, False),
    ],
)
def test_the_capability_is_read_from_proc(
    monkeypatch: pytest.MonkeyPatch, status: str | None, user: int, has: bool
) -> None:
    def read_text(path: Path, *_arguments: object) -> str:
        assert str(path) == "/proc/self/status"
        if status is None:
            raise FileNotFoundError(2, "No such file or directory")
        return status

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert host_interfaces._has_net_raw() == has
