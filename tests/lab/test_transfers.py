"""Fixes for NATs and firewalls at work: no TFTP before, TFTP afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rules.scene import Scene
from tests.rules.test_rules import FAULTS

from . import requirements, servers
from .dialects import FIREWALL
from .network import SERVER_IP, Namespaces
from .process import LabError, run

pytestmark = pytest.mark.root
GUEST = "192.168.122.50"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Namespaces]:
    """A boot server behind a NAT, which serves one file."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs Linux, and root for namespaces")
    if lacking := requirements.programs("ip", "nft", "ss", "sysctl", "setpriv", "in.tftpd"):
        pytest.skip(f"needs {', '.join(lacking)}: see tests/lab/packages.txt")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x.efi").write_bytes(b"MZ")
    for place in (tmp_path, root):
        place.chmod(0o755)
    with Namespaces("masquerade") as network:
        server = servers.tftpd(network.server, tmp_path, root, SERVER_IP)
        try:
            yield network
        finally:
            server.stop()


def serves(client: str) -> bool:
    """Whether a file arrives in this namespace."""
    words = ["ip", "netns", "exec", client, sys.executable, "-m", "tests.lab.get", SERVER_IP, "x.efi"]
    return subprocess.run(words, cwd=Path(__file__).parents[2], timeout=60, check=False).returncode == 0


def follow(scene: Scene, code: str, netns: str) -> None:
    """Do what a finding says with nft, in a namespace."""
    finding = scene.finding(code)
    assert finding is not None
    (text,) = [fix.text for fix in finding.fixes if fix.target == "nft"]
    for line in text.splitlines():
        if line.startswith("modprobe "):
            continue  # where modules are loaded by themselves, or are not to be had, nft says so
        run("ip", "netns", "exec", netns, "sh", "-c", line)


def test_the_helper_brings_tftp_through_a_nat(network: Namespaces) -> None:
    guest = network.add_host(GUEST)
    network.ip("route", "add", "default", "via", "192.168.122.1", netns=guest)
    assert not serves(guest)
    try:
        follow(FAULTS["tftp-nat-loss"](), "tftp-nat-loss", network.hypervisor)
    except LabError as error:
        pytest.skip(f"the kernel has no conntrack helpers: {error}")
    assert serves(guest)


def test_the_helper_lets_answers_out_of_the_servers_own_firewall(network: Namespaces) -> None:
    network.nft(FIREWALL, netns=network.server)
    assert not serves(network.hypervisor)
    code = "tftp-reply-blocked-at-server"
    try:
        follow(FAULTS[code](), code, network.server)
    except LabError as error:
        pytest.skip(f"the kernel has no conntrack helpers: {error}")
    assert serves(network.hypervisor)
