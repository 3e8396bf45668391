"""Faults from packets to findings: file, sieve, engine and rules together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import boots, boots_loss, boots_server, boots_web, wire_faults
from .packets import Wire, errors, machine, read
from .wire_faults import Case

FAULTS = {**wire_faults.FAULTS, **boots_web.FAULTS, **boots_server.FAULTS, **boots_loss.FAULTS}
HEALTHY = {**boots.HEALTHY, **boots_web.HEALTHY, **boots_server.HEALTHY, **boots_loss.HEALTHY}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_nothing_else_is_claimed(case: Case, tmp_path: Path) -> None:
    wire = case.build()
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.status == "stalled"
    assert case.must in errors(found)
    assert errors(found) <= {case.must, *case.may}
    assert {boot.stalled_at for boot in found.boots} & set(case.at)
    for finding in found.findings:
        assert finding.evidence
        assert all(1 <= item.frame <= len(wire.packets) for item in finding.evidence)
    main = next(finding for finding in found.findings if finding.severity == "error")
    assert main.code == case.must or main.code in case.may[:1]


@pytest.mark.parametrize("build", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_boot_has_no_error(build: Callable[[], Wire], tmp_path: Path) -> None:
    found = machine(read(build().save(tmp_path / "x.pcap")))
    assert found.status == "handed-off"
    assert not [finding for finding in found.findings if finding.severity != "note"]
