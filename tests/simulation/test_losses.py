"""Boots that lose packets: one that came through raises no error, one that did not is stalled, and where it was lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bootsniff.model import Machine

from ..rules.packets import errors, machine, read
from .chains import CHAINS, play
from .network import Losses, Network

NEAR = {
    "dhcp": {"dhcp", "tftp", "http"},  # the last ACK may be seen, and its questions for ARP not
    "arp": {"arp", "tftp", "http"},
    "tftp": {"tftp", "chain"},
    "tcp": {"tcp", "http", "arp"},
    "http": {"http", "tcp"},
}


def told(network: Network, tmp_path: Path) -> Machine:
    return machine(read(network.save(tmp_path / "x.pcap")))


@pytest.mark.parametrize("chain", CHAINS)
def test_nothing_is_lost(chain: str, tmp_path: Path) -> None:
    network = play(chain, 1, Losses())
    found = told(network, tmp_path)
    assert (network.outcome[0], found.status, found.findings) == ("started", "handed-off", ())


@pytest.mark.parametrize("share", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("chain", CHAINS)
def test_a_boot_that_loses_packets(chain: str, seed: int, share: float, tmp_path: Path) -> None:
    side = random.Random(seed).choice([(share, 0), (0, share), (share, share)])
    network = play(chain, seed, Losses(*side, twice=0.02))
    found = told(network, tmp_path)
    at, why = network.outcome
    if at in ("started", "loaded"):
        assert (found.status, errors(found)) == ("handed-off", set()), why
    elif at == "os":  # its DHCP alone is a sign that it runs
        assert errors(found) <= {"os-redhcp-fails", "dhcp-no-ack", "dhcp-ack-lost"}, why
    else:
        assert found.status == "stalled", why
        assert found.boots[-1].stalled_at in NEAR[at], why


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("chain", CHAINS)
def test_a_boot_of_which_the_capture_lacks_packets(chain: str, seed: int, tmp_path: Path) -> None:
    network = play(chain, seed, Losses(unseen=0.02))
    assert network.outcome[0] == "started"
    assert errors(told(network, tmp_path)) == set()
