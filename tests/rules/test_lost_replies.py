"""TFTP answers that never arrive: what a client asks anew, and what only looks alike."""

from __future__ import annotations

from pathlib import Path

from .boots_loss import from_new_ports
from .packets import machine, read


def test_a_size_probe_that_is_dropped_silently_is_none_of_lost_replies(tmp_path: Path) -> None:
    found = machine(read(from_new_ports(gap=0.2).save(tmp_path / "x.pcap")))
    fetches = found.boots[0].stages[0].fetches
    assert [fetch.status for fetch in fetches] == ["probe", "probe", "complete"]


def test_every_request_that_was_answered_in_vain_counts(tmp_path: Path) -> None:
    found = machine(read(from_new_ports().save(tmp_path / "x.pcap")))
    assert [fetch.status for fetch in found.boots[0].stages[0].fetches] == ["stalled"] * 3
    assert [finding.code for finding in found.findings] == ["tftp-reply-lost"]
    assert "requested 3 times in 44 s" in found.findings[0].summary
