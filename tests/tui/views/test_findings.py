"""Findings as rows and as text to paste."""

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.tui.lines import plain, width_of
from bootsniff.tui.views.findings import finding_rows, fix_rows, fix_text, key_of, verdict_text
from tests.report import canned


def shown(machine: Machine | None, width: int = 80, *, fixes: bool = True) -> str:
    return "\n".join(plain(row.line) for row in finding_rows(machine, canned.network_findings(), width, fixes=fixes))


def test_everything_an_administrator_needs() -> None:
    text = shown(canned.not_found())
    for part in ("✖ tftp-file-not-found", "error, certain", "has no file grubx64.efi", "expected: DATA or an OACK",
                 "frame 10: ERROR 1", "fix, tftp server:", "would explain tftp-file-not-found", "to prove it:",
                 "of the network", "! dhcp-competing-servers"):  # fmt: skip
        assert part in text


def test_frames_of_several_captures_name_theirs() -> None:
    assert "capture 2 frame 3" in shown(canned.nat_loss())


def test_fixes_may_stand_elsewhere() -> None:
    assert "fix," not in shown(canned.not_found(), fixes=False)


def test_machines_without_findings() -> None:
    assert "no finding" in shown(canned.healthy())
    assert "the packets do not show why" in shown(replace(canned.ignored_offer(), findings=()), 200)
    assert "nothing wrong so far; waits for block 312" in shown(canned.in_progress())
    assert "not a boot client" in shown(canned.not_booting())
    assert "of the network" in shown(None)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_pane(width: int) -> None:
    for machine in canned.mixed().machines:
        for row in finding_rows(machine, (), width, fixes=True):
            assert width_of(row.line) <= width


def test_all_lines_of_a_finding_are_one_thing() -> None:
    finding = canned.not_found().findings[0]
    rows = finding_rows(canned.not_found(), (), 80, fixes=True)
    assert sum(row.key == key_of(finding) for row in rows) > 5


def test_a_long_line_of_a_fix_is_copied_whole() -> None:
    finding = canned.not_found().findings[0]
    assert len(fix_rows(finding, 30)) > 2
    assert fix_text(finding).count("\n") == 1


def test_the_verdict_of_a_machine_without_findings() -> None:
    assert verdict_text(canned.healthy(), None) == "52:54:00:89:32:47 debian 192.168.122.227: handed-off\n"
