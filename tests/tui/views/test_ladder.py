"""The ladder: lanes, arrows, gaps."""

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.tui.lines import plain
from bootsniff.tui.views.ladder import ArrowKey, ladder_rows, lanes
from tests.report import canned


def drawn(machine: Machine, width: int = 79, boot: int = 0, stage: int | None = None) -> list[str]:
    return [plain(row.line).rstrip() for row in ladder_rows(machine, boot, width, stage=stage)]


def test_packets_point_where_they_went() -> None:
    lines = drawn(canned.not_found())
    request = next(line for line in lines if "RRQ grubx64.efi" in line)
    reply = next(line for line in lines if "ERROR 1" in line)
    assert request.endswith("▶│")
    assert reply.index("◀") < reply.index("ERROR 1")
    assert "9 " in request


def test_a_missing_packet_breaks_off() -> None:
    lost = next(line for line in drawn(canned.ignored_offer()) if "REQUEST" in line)
    assert "╌" in lost
    assert "REQUEST ✖" in lost
    assert "▶" not in lost


def test_requests_without_an_answer_leave_a_gap() -> None:
    lines = drawn(canned.nat_loss())
    first = next(n for n, line in enumerate(lines) if "RRQ pxelinux.0" in line)
    assert "⋮ 4.000 s" in lines[first + 1]
    assert "✖ no answer seen ╌" in lines[first + 1]
    answered = drawn(canned.ignored_offer())
    assert not any("no answer seen" in line for line in answered)


def test_the_last_request_of_a_stalled_boot_has_its_gap_too() -> None:
    machine = canned.nat_loss()
    stage = machine.boots[0].stages[0]
    cut = replace(stage, arrows=stage.arrows[:1])
    silent = replace(machine, boots=(replace(machine.boots[0], stages=(cut,)),))
    assert "no answer seen" in drawn(silent)[-1]
    running = replace(silent, boots=(replace(silent.boots[0], status="in-progress"),))
    assert "RRQ" in drawn(running)[-1]


def test_a_proxy_is_named_so() -> None:
    machine = canned.nat_loss()
    stage = machine.boots[0].stages[0]
    offer = replace(stage.arrows[0], layer="dhcp", label="OFFER", kind="reply", from_client=False,
                    source="192.168.2.14", target=canned.MAC)  # fmt: skip
    spoken = replace(
        machine, boots=(replace(machine.boots[0], stages=(replace(stage, arrows=(offer, *stage.arrows)),)),)
    )
    assert "ProxyDHCP TFTP" in drawn(spoken)[0]


def test_servers_have_lanes_of_their_own() -> None:
    machine = canned.healthy()
    stage = machine.boots[0].stages[0]
    other = tuple(
        replace(arrow, source="10.0.0.9" if not arrow.from_client else arrow.source,
                target="10.0.0.9" if arrow.from_client else arrow.target)
        for arrow in stage.arrows if arrow.layer == "http"
    )  # fmt: skip
    both = replace(stage, arrows=(*(arrow for arrow in stage.arrows if arrow.layer == "dhcp"), *other))
    two = replace(machine, boots=(replace(machine.boots[0], stages=(both,)),))
    assert [(lane.address, lane.roles) for lane in lanes(both.arrows)] == [
        ("192.168.122.1", ("DHCP",)),
        ("10.0.0.9", ("HTTP",)),
    ]
    lines = drawn(two, 100)
    assert "10.0.0.9" in lines[1]
    discover = next(line for line in lines if "DISCOVER" in line)
    get = next(line for line in lines if "GET /ipxe.efi" in line)
    assert discover.index("▶") < get.index("▶")
    assert discover.count("│") == 3


def test_broadcasts_reach_the_farthest_lane() -> None:
    machine = canned.not_found()
    stage = machine.boots[0].stages[0]
    first = replace(stage.arrows[0], target="255.255.255.255")
    broadcast = replace(
        machine, boots=(replace(machine.boots[0], stages=(replace(stage, arrows=(first, *stage.arrows[1:])),)),)
    )
    assert [lane.address for lane in lanes((first, *stage.arrows[1:]))] == ["192.168.122.1"]
    assert next(line for line in drawn(broadcast) if "DISCOVER" in line).endswith("▶│")


def test_quiet_times_are_lines_of_their_own() -> None:
    assert any("⋮ 3.000 s" in line for line in drawn(canned.not_found()))


@pytest.mark.parametrize("width", [30, 60, 79, 120, 300])
def test_any_width_can_be_drawn(width: int) -> None:
    for machine in canned.mixed().machines:
        for number in range(len(machine.boots)):
            assert drawn(machine, width, number)


def test_one_stage_alone_and_none_at_all() -> None:
    lines = drawn(canned.healthy(), stage=0)
    assert any("HEAD /ipxe.efi" in line for line in lines)
    assert not any("menu.ipxe" in line for line in lines)
    assert drawn(canned.healthy(), boot=7) == [" no boot to draw"]
    assert drawn(canned.healthy(), stage=9) == [" no packets worth an arrow in this boot"]


def test_rows_name_their_frames() -> None:
    keys = [row.key for row in ladder_rows(canned.not_found(), 0, 79) if row.key is not None]
    assert keys[0] == ArrowKey(0, 1, 0)
    assert keys[-1] == ArrowKey(0, 10, 5)
