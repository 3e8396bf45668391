"""What is said about a machine in few words."""

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.tui import facts
from bootsniff.tui.lines import plain, width_of
from tests.report import canned


def table_text(machine: Machine, width: int) -> str:
    return plain(facts.chain_line(facts.steps(facts.last_boot(machine)), width))


def test_a_chain_reads_from_first_to_last_step() -> None:
    assert table_text(canned.not_found(), 60) == "DHCP > TFTP grubx64.efi ✖"


def test_kernel_and_initrd_are_named_for_what_they_are() -> None:
    assert table_text(canned.healthy(), 100).endswith("HTTP menu.ipxe > kernel > initrd > OS DHCP")


def test_a_stall_in_dhcp_shows_between_which_packets() -> None:
    assert table_text(canned.ignored_offer(), 80).endswith("DISCOVER 4× > OFFER 4× > REQUEST ✖")


def test_what_the_firmware_tried_later_hides_no_stall() -> None:
    machine = canned.ignored_offer()
    boot = replace(machine.boots[0], stalled_stage=0)
    machine = replace(machine, boots=(boot,))
    stage = facts.stage_in_question(machine)
    assert stage is boot.stages[0]
    links = facts.steps_to_stall(boot)
    assert links[-1].mark == "stalled"
    assert len(links) < len(facts.steps(boot))
    goes_on = replace(machine, boots=(replace(boot, status="in-progress"),), status="in-progress")
    assert facts.stage_in_question(goes_on) is boot.stages[-1]
    assert facts.steps_to_stall(goes_on.boots[0]) == facts.steps(goes_on.boots[0])
    assert facts.stage_in_question(canned.not_booting()) is None


@pytest.mark.parametrize("width", range(0, 60, 3))
def test_a_chain_keeps_its_end_and_its_width(width: int) -> None:
    for machine in canned.mixed().machines:
        links = facts.chain_line(facts.steps(facts.last_boot(machine)), width)
        assert width_of(links) <= width
    assert width < 30 or table_text(canned.not_found(), width).endswith("✖")


def test_trouble_comes_first_then_the_latest() -> None:
    order = sorted(canned.mixed().machines, key=facts.urgency)
    statuses = [machine.status for machine in order]
    assert statuses == sorted(statuses, key=["stalled", "in-progress", "handed-off", "not-booting"].index)
    stalled = [machine.last_seen for machine in order if machine.status == "stalled"]
    assert stalled == sorted(stalled, reverse=True)


def test_the_finding_of_the_stalled_stage_is_the_worst() -> None:
    machine = canned.ignored_offer()
    boot = replace(machine.boots[0], stalled_stage=0)
    first, second = machine.findings
    both = (first, replace(second, severity="error", confidence="possible"))
    worst = facts.worst_finding(replace(machine, boots=(boot,), findings=both))
    assert worst is not None
    assert worst.code == "dhcp-offer-without-boot-file"


def test_causes_stand_below_what_they_explain() -> None:
    codes = [finding.code for finding in facts.findings_of(canned.not_found())]
    assert codes == ["tftp-file-not-found", "arch-rule-missing-http"]


def test_progress_of_the_running_transfer() -> None:
    machine = canned.in_progress()
    fetch = facts.running_fetch(machine)
    assert fetch is not None
    assert facts.progress(fetch, fetch.end) == " 22% 74.3 KiB/s"


def test_silence_counts_for_machines_that_should_go_on() -> None:
    assert facts.silence(canned.healthy(), canned.at(100)) is None
    assert facts.silence(canned.not_found(), canned.at(10)) == canned.at(10) - canned.at(4)


@pytest.mark.parametrize("words", ["52-54-00", "node2", "vlan 42", "TFTP-FILE", "stalled x64 pxe"])
def test_what_a_filter_finds(words: str) -> None:
    text = facts.searchable(canned.not_found())
    assert all(word in text for word in words.lower().split())
