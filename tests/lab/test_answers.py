"""Fixes at work: a server that had none of them, and with all of them, is asked by every kind of client."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.rules import scenes_dhcp, scenes_program
from tests.rules.scene import SERVER, Scene

from . import requirements, servers
from .network import Namespaces
from .process import Process, run

OTHER = "192.168.122.7"
KINDS = ("bios-pxe", "efi-x64-pxe", "efi-arm64-pxe", "efi-x64-http")
NEW = {
    "bios-pxe": ("pxelinux.0", None),
    "efi-x64-pxe": ("grubx64.efi", None),
    "efi-arm64-pxe": ("grubaa64.efi", None),
    "efi-x64-http": (f"http://{SERVER}/ipxe.efi", "HTTPClient"),
    "ipxe-bios": (f"http://{SERVER}/menu.ipxe", None),
    "ipxe-efi-x64": (f"http://{SERVER}/menu.ipxe", None),
}
"""What the fixes say: the file, and the vendor class of the answer."""


def fix(scene: Scene, code: str, target: str) -> str:
    finding = scene.finding(code)
    assert finding is not None
    (text,) = [fix.text for fix in finding.fixes if fix.target == target]
    return text


def texts(target: str) -> list[str]:
    """The fixes, iPXE's the weakest: of two that fit, dnsmasq and dhcpd take the last, Kea the first."""
    ipxe = fix(scenes_program.FAULTS["chain-ipxe-nothing-to-boot"](), "chain-ipxe-nothing-to-boot", target)
    return [ipxe, *(fix(scenes_dhcp.ignored(kind), "dhcp-offer-without-boot-file", target) for kind in KINDS)]


def start_dnsmasq(network: Namespaces, directory: Path, told: list[str]) -> Process:
    lines = "\n".join(["dhcp-range=192.168.122.2,192.168.122.254,1h", "no-ping", f"dhcp-boot=old.0,,{OTHER}", *told])
    return servers.dnsmasq(network.hypervisor, directory, "interface=virbr0", "bind-interfaces", *lines.splitlines())


def start_dhcpd(network: Namespaces, directory: Path, told: list[str]) -> Process:
    top = [line for text in told for line in text.splitlines() if line.startswith("option arch code")]
    inside = [line for text in told for line in text.splitlines() if not line.startswith("option arch code")]
    config = [
        "ping-check off;",
        *top[:1],
        "subnet 192.168.122.0 netmask 255.255.255.0 {",
        "range 192.168.122.2 192.168.122.254;",
        f'filename "old.0"; next-server {OTHER};',
        *inside,
        "}",
    ]
    return servers.dhcpd(network.hypervisor, directory, "\n".join(config))


def start_kea(network: Namespaces, directory: Path, told: list[str]) -> Process:
    plain = ["\n".join(line for line in text.splitlines() if not line.startswith("//")) for text in told]
    classes = [one for text in plain for one in json.loads(f"{{{text}}}")["client-classes"]]
    subnet = {
        "id": 1,
        "subnet": "192.168.122.0/24",
        "pools": [{"pool": "192.168.122.2-192.168.122.254"}],
        "boot-file-name": "old.0",
        "next-server": OTHER,
    }
    if not classes:
        return servers.kea(network.hypervisor, directory, subnet)
    return servers.kea(network.hypervisor, directory, subnet, client_classes=classes[::-1])


START = {"dnsmasq": start_dnsmasq, "isc-dhcpd": start_dhcpd, "kea": start_kea}
PROGRAM = {"dnsmasq": "dnsmasq", "isc-dhcpd": "dhcpd", "kea": "kea-dhcp4"}


def answers(target: str, told: list[str], directory: Path) -> dict[str, dict[str, str | None]]:
    """By kind of client what a server with these fixes offers."""
    with Namespaces() as network:
        server = START[target](network, directory, told)
        try:
            guest = network.add_host("192.168.122.200")
            said = run("ip", "netns", "exec", guest, sys.executable, "-m", "tests.lab.ask", "eth0")
        finally:
            server.stop()
    found: dict[str, dict[str, str | None]] = json.loads(said)
    assert None not in found.values()
    return found


@pytest.mark.root
@pytest.mark.parametrize("target", START)
def test_the_right_clients_are_answered_anew_and_the_others_as_before(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs Linux, and root for namespaces")
    if lacking := requirements.programs(PROGRAM[target], "ip", "setpriv", "sysctl"):
        pytest.skip(f"needs {', '.join(lacking)}: see tests/lab/packages.txt")
    monkeypatch.chdir(Path(__file__).parents[2])
    tmp_path.chmod(0o755)
    before = answers(target, [], tmp_path)
    after = answers(target, texts(target), tmp_path)
    assert {answer["file"] for answer in before.values()} == {"old.0"}
    changed = {
        kind: (answer["file"], answer["vendor_class"]) for kind, answer in after.items() if answer != before[kind]
    }
    assert changed == NEW
