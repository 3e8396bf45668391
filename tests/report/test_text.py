import io
import re

import pytest
from msgspec.structs import replace

from bootsniff.model import Finding, Fix, Report
from bootsniff.report.details import write_chain
from bootsniff.report.lines import Paper, cell_width
from bootsniff.report.text import DETAILED_MACHINES, TextOptions, write_text

from . import canned


class Stream(io.StringIO):
    """A text stream that claims an encoding and refuses what it cannot carry, as a terminal's stream would."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


def shown(
    report: Report,
    *,
    quiet: bool = False,
    verbose: bool = False,
    width: int = 80,
    color: bool = False,
    encoding: str = "utf-8",
) -> str:
    stream = Stream(encoding)
    write_text(report, Paper(stream, width=width, color=color), TextOptions(quiet=quiet, verbose=verbose, utc=True))
    return stream.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_stall_says_where_why_and_what_to_change() -> None:
    text = shown(canned.single())
    assert "STALLED at dhcp after 2 min 33 s" in text
    assert "✓ OFFER ×4 (last good) ›" in text
    assert "✗ REQUEST STALLED: none came" in text
    assert "ERROR dhcp-http-vendor-class-not-echoed (certain)" in text
    assert "expected: A REQUEST after one of the 4 OFFERs" in text
    assert "frame 37, 39 (+125.100 s) OFFER without option 60" in text
    assert "      dhcp-option-force=tag:efi-x64-http,60,HTTPClient\n" in text
    assert "2026-03-14 08:15:00.123 UTC" in text


def test_one_healthy_machine_shows_its_chain() -> None:
    text = shown(canned.report(canned.healthy()))
    assert "handed off" in text
    assert "✓ HTTP menu.ipxe › ✓ HTTP linux › ✓ HTTP initrd.gz" in text
    assert "STALLED" not in text
    assert "last good" not in text


def test_several_machines_get_a_line_each_and_only_troubled_ones_details() -> None:
    report = canned.mixed()
    lines = shown(report).splitlines()
    for machine in report.machines:
        if machine.status == "not-booting":
            continue
        assert len([line for line in lines if re.match(rf"\S {machine.mac}  \S", line) and len(line) > 42]) >= 1
    text = "\n".join(lines)
    assert "8 machines: 4 stalled, 2 handed off, 1 in progress, 1 not booting" in flat(text)
    assert "HTTP initrd.gz" not in text  # healthy machines have their line and no more
    assert "cause arch-rule-missing-http (possible)" in text


def test_a_cause_stands_under_the_finding_that_it_explains() -> None:
    text = shown(canned.report(canned.not_found()))
    assert text.index("ERROR tftp-file-not-found") < text.index("    cause arch-rule-missing-http")
    assert "note arch-rule" not in text


def test_a_cause_of_one_stage_stands_once() -> None:
    """Of two findings of a code, U-Boot's and its EFI part's say, each has its own."""
    machine = canned.not_found()
    found, cause = machine.findings
    other = replace(found, stage=9), replace(cause, stage=9)
    text = shown(canned.report(replace(machine, findings=(found, cause, *other))))
    assert text.count("ERROR tftp-file-not-found") == 2
    assert text.count("    cause arch-rule-missing-http") == 2


def test_quiet_is_one_line_a_machine() -> None:
    report = canned.mixed()
    lines = shown(report, quiet=True).splitlines()
    assert len(lines) == len(report.machines)
    assert lines[1] == "✗ 52:54:00:00:00:01  STALLED at dhcp       dhcp-http-vendor-class-not-echoed"


def test_verbose_shows_stages_fetches_and_packets() -> None:
    text = shown(canned.report(canned.healthy()), verbose=True)
    assert "stage 2, iPXE EFI x64:" in text
    assert "probe HEAD http://192.168.122.1/ipxe.efi" in text
    assert "40.0 MiB; in 1.000 s (40.0 MiB/s); 3 retransmissions; gzip data" in flat(text)
    assert re.search(r"\+3\.000 s  frame 2 +← 192\.168\.122\.1 +OFFER 192\.168\.122\.227", text)
    missing = shown(canned.single(), verbose=True)
    assert re.search(r"no frame +⇢ 192\.168\.122\.1 +REQUEST did not come", missing)


def test_packets_that_say_the_same_over_and_over_are_counted() -> None:
    """Of many the first two and the last are shown, of few all."""
    report = canned.single()
    machine = report.machines[0]
    boot = machine.boots[0]
    stage = boot.stages[0]
    first = stage.arrows[0]
    same = [replace(first, frame=100 + number, time=first.time + number, label="RRQ x") for number in range(40)]
    others = [replace(first, frame=200 + number, time=first.time + number, label="RRQ y") for number in range(5)]
    stage = replace(stage, arrows=(*same, *others))
    machine = replace(machine, boots=(replace(boot, stages=(stage,)),))
    text = shown(replace(report, machines=(machine,)), verbose=True)
    assert re.findall(r"frame (\d+) .* RRQ x", text) == ["100", "101", "139"]
    assert len(re.findall("RRQ y", text)) == 5
    assert "… 37 more of these" in flat(text)


def test_quality_of_the_captures_is_told() -> None:
    text = flat(shown(canned.damaged()))
    assert "truncated: the file ends inside frame 4243; read as far as it goes" in text
    assert "4,000 frames were cut short when captured" in text
    assert "17 frames lost while capturing" in text
    assert "2 frames could not be decoded" in text
    assert "left out: 3 evicted machines" in text
    assert "frame 5 of uplink.pcapng" in text


def test_no_boot_client_is_said() -> None:
    assert "No boot client in this capture." in shown(canned.empty())


def test_network_findings_are_shown() -> None:
    assert "WARNING dhcp-competing-servers (likely), the network" in shown(canned.mixed())


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", list(canned.ALL))
def test_lines_fit_the_width_and_fixes_stay_whole(name: str, width: int, verbose: bool) -> None:
    report = canned.ALL[name]()
    lines = shown(report, width=width, verbose=verbose).splitlines()
    fixes = [
        line
        for machine in report.machines
        for finding in machine.findings
        if finding.severity != "note" or verbose
        for fix in finding.fixes
        for line in fix.text.split("\n")
    ]
    stripped = [line.strip() for line in lines]
    assert all(fix.strip() in stripped for fix in fixes)
    # Labels (evidence:, fetch status) and verdict lines may need more than a very narrow terminal has.
    limit = max(width, 80)
    wide = [line for line in lines if cell_width(line) > limit and line.strip() not in {fix.strip() for fix in fixes}]
    assert wide == []


@pytest.mark.parametrize("name", list(canned.ALL))
def test_ascii_streams_get_ascii(name: str) -> None:
    for verbose in (False, True):
        text = shown(canned.ALL[name](), encoding="ascii", verbose=verbose)
        assert text.isascii()
    if name == "single":
        assert "+ OFFER x4 (last good) >" in text
        assert "X REQUEST STALLED: none came" in text


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_name_reaches_the_terminal_as_a_command(encoding: str, verbose: bool) -> None:
    text = shown(canned.report(canned.hostile(), canned.hostile()), encoding=encoding, verbose=verbose)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text
    assert "[red]alarm[/red]" in text
    assert "\\x1b]52;c;" in text


def test_without_colour_nothing_is_lost() -> None:
    for name in canned.ALL:
        plain = shown(canned.ALL[name]())
        colored = shown(canned.ALL[name](), color=True)
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain
    assert "\x1b[1;31mERROR\x1b[0m" in shown(canned.single(), color=True)


def test_a_crowd_in_trouble_is_limited_and_says_so() -> None:
    machines = [replace(canned.not_found(), mac=f"52:54:00:00:{n >> 8:02x}:{n & 255:02x}") for n in range(300)]
    report = canned.report(*machines)
    text = shown(report)
    assert text.count("ERROR tftp-file-not-found") == DETAILED_MACHINES
    assert "200 more machines in trouble" in flat(text)
    assert "300 × tftp-file-not-found" in text
    assert shown(report, verbose=True).count("ERROR tftp-file-not-found") == 300


def test_earlier_boots_are_told_and_marked() -> None:
    text = shown(canned.report(canned.second_boot()))
    assert "STALLED at tftp after 4.000 s, boot 1 of 2" in text
    assert "handed off after 60.0 s, boot 2 of 2" in text
    assert "WARNING tftp-file-not-found (certain), boot 1" in text


def test_what_happens_boot_after_boot_is_shown_once() -> None:
    machine = canned.ignored_offer()
    boot, found = machine.boots[0], machine.findings[0]
    other = replace(found, subject="something else", boot=1)
    boots = (boot, boot, boot)
    report = canned.report(
        replace(machine, boots=boots, findings=(found, other, *(replace(found, boot=number) for number in (1, 2))))
    )
    text = shown(report)
    assert text.count(f"ERROR {found.code}") == 2
    assert f"ERROR {found.code} (certain), boot 3" in text
    assert "The same in boot 1, 2: -v shows it." in text
    verbose = shown(report, verbose=True)
    assert verbose.count(f"ERROR {found.code}") == 4
    assert "The same" not in verbose


def test_what_no_finding_explains_says_who_may_know_more() -> None:
    stalled, running = canned.ignored_offer(), canned.in_progress()
    bare = flat(shown(canned.report(replace(stalled, findings=()))))
    assert "The machine's screen and the server's log may say it; -v lists what was asked" in bare
    assert "may say it" not in shown(canned.report(stalled))
    assert "record on, or look at the machine's screen" in flat(shown(canned.report(running)))
    menu = replace(running, boots=(replace(running.boots[-1], waiting_for="a key: menu of x.ipxe"),))
    assert "record on" not in shown(canned.report(menu))


def test_notes_of_the_network_stand_below_and_not_beside_the_same_error() -> None:
    note = Finding(
        code="dhcp-competing-servers",
        severity="note",
        confidence="certain",
        summary="two servers",
        boot=None,
        stage=None,
        evidence=(canned.evidence(1, "offer"),),
    )
    machine = canned.ignored_offer()
    report = canned.report(machine, findings=(note,))
    text = shown(report)
    assert text.index(machine.mac) < text.index("note dhcp-competing-servers")
    assert "\n\n\n" not in text
    same = replace(machine, findings=(replace(machine.findings[0], code=note.code),))
    assert "two servers" not in shown(replace(report, machines=(same,)))
    assert "two servers" in shown(replace(report, machines=(same,)), verbose=True)
    grave = shown(replace(report, findings=(replace(note, severity="error"),)))
    assert grave.index("ERROR dhcp-competing-servers") < grave.index(machine.mac)


def test_a_servers_words_are_left_out_whole_where_they_do_not_fit() -> None:
    def step(error: str) -> str:
        machine = canned.not_found()
        boot = machine.boots[0]
        stages = tuple(
            replace(stage, fetches=tuple(replace(f, error=error) if f.status == "failed" else f for f in stage.fetches))
            for stage in boot.stages
        )
        text = flat(shown(canned.report(replace(machine, boots=(replace(boot, stages=stages),)))))
        return text.partition("STALLED: ")[2]

    assert step("ERROR 1 file not found: file /srv/tftp/some/where/x not found for 192.168.122.227").startswith(
        "ERROR 1 file not found "
    )
    assert step("ERROR 1 file not found: File not found").startswith("ERROR 1 file not found ")
    assert step("ERROR 2 access violation: Only absolute").startswith("ERROR 2 access violation: Only absolute ")


def test_a_chain_stands_on_one_line_or_on_a_row_for_each_stage() -> None:
    boot = canned.healthy().boots[0]
    boot = replace(boot, stages=tuple(replace(stage, fetches=stage.fetches[:2]) for stage in boot.stages[:2]))
    for width in range(60, 110):
        stream = Stream()
        write_chain(boot, Paper(stream, width=width))
        rows = stream.getvalue().splitlines()
        assert len(rows) == 1 or sum(": " in row for row in rows) == 2, (width, rows)


def test_frames_that_play_one_part_stand_in_their_order() -> None:
    machine = canned.single().machines[0]
    found = replace(machine.findings[0], evidence=(canned.evidence(9, "NAK", 4.0), canned.evidence(2, "NAK", 1.0)))
    text = shown(canned.report(replace(machine, findings=(found,))))
    assert "frame 2, 9 (+1.000 s) NAK" in text


def test_a_path_that_is_too_long_is_cut_between_its_names() -> None:
    stream = Stream()
    Paper(stream, width=60).prose("/srv/tftp/" + "a" * 40 + "/" + "b" * 30 + " here", 4)
    assert stream.getvalue().splitlines() == ["    /srv/tftp/" + "a" * 40 + "/", "    " + "b" * 30 + " here"]


def test_local_time_names_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        stream = Stream()
        write_text(canned.single(), Paper(stream), TextOptions())
        assert "2026-03-14 09:15:00.123 CET" in stream.getvalue()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_machines_that_do_not_boot_are_counted_and_not_listed() -> None:
    others = [replace(canned.not_booting(), mac=f"3c:52:82:00:00:{n:02x}") for n in range(9)]
    text = shown(canned.report(*others))
    assert "No boot client in this capture. 9 machines of other kinds, which -v lists." in text
    assert "3c:52:82" not in text
    assert "3c:52:82:00:00:08" in shown(canned.report(*others), verbose=True)
    assert "not booting" in shown(canned.report(*others), quiet=True)
    assert "10 machines: 1 handed off, 9 not booting" in flat(shown(canned.report(canned.healthy(), *others)))


def test_machines_are_read_once() -> None:
    class Once:
        """A report whose machines are made while they are read."""

        captures = (canned.capture(),)
        findings = ()
        counters = ()

        def __init__(self) -> None:
            self.machines = iter(canned.mixed().machines)

    stream = Stream()
    write_text(Once(), Paper(stream), TextOptions(utc=True))
    assert "ERROR tftp-nat-loss (certain)" in stream.getvalue()
    assert "8 machines: 4 stalled" in stream.getvalue()


def test_what_stopped_the_stalled_stage_comes_first() -> None:
    machine = canned.ignored_offer()
    boot = machine.boots[0]
    first, second = machine.findings
    stalled_elsewhere = replace(boot, stalled_stage=0)
    unsure = replace(second, severity="error", confidence="likely")
    text = shown(canned.report(replace(machine, boots=(stalled_elsewhere,), findings=(first, unsure))), quiet=True)
    assert text.rstrip().endswith(second.code)


def fixed(target: str, text: str, width: int = 80) -> list[str]:
    """The lines that a fix is shown as."""
    machine = canned.single().machines[0]
    finding = replace(machine.findings[0], fixes=(Fix(target, text),))
    report = replace(canned.single(), machines=(replace(machine, findings=(finding,)),))
    lines = shown(report, width=width).splitlines()
    where = "in a shell" if target == "shell" else f"for {target}"
    return lines[lines.index(f"    fix {where}:") + 1 :]


def test_lines_to_paste_stay_whole_and_move_left_where_that_is_enough() -> None:
    short, long = "dhcp-no-override", "dhcp-boot=tag:efi-x64-http,http://192.168.122.1/efi-x64/bootnetx64.efi,x1"
    assert fixed("dnsmasq", f"{short}\n  {long}") == [f"    {short}", f"      {long}"]
    assert fixed("dnsmasq", f"    {long}") == [f"      {long}"]


def test_a_line_that_fits_nowhere_stays_where_it_is() -> None:
    line = "x" * 90
    assert fixed("shell", line) == [" " * 6 + line]


def test_comments_are_wrapped_and_stay_comments() -> None:
    lines = fixed("dnsmasq", "# " + "leave the size to the client " * 5 + "\ntftp-mtu=1400")
    assert len(lines) > 2
    assert all(line.startswith("      # ") and len(line) <= 80 for line in lines[:-1])
    assert lines[-1] == "      tftp-mtu=1400"


def test_a_remark_behind_a_line_that_is_too_wide_stands_before_it() -> None:
    command = "curl -o /dev/null http://192.168.122.1/some/longer/path/ipxe.efi"
    assert fixed("shell", f"{command}   # from another host of this network") == [
        "      # from another host of this network",
        f"      {command}",
    ]
    assert fixed("shell", "ip link   # errors, drops") == ["      ip link   # errors, drops"]


def test_quoted_text_is_no_remark() -> None:
    line = f"ls -l '/srv/tftp/{'x' * 60}   # y'"
    assert fixed("shell", line)[0].strip() == line


def test_what_is_mended_in_a_menu_is_wrapped_like_prose() -> None:
    lines = fixed(
        "uefi", "Setup > Tls Auth Configuration > Server CA Configuration > Enroll Cert: the authority itself"
    )
    assert len(lines) == 2
    assert all(line.startswith("      ") and len(line) <= 80 for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_narrow_paper_breaks_no_line_to_paste(width: int) -> None:
    lines = fixed("dnsmasq", "dhcp-option-force=tag:efi-x64-http,60,HTTPClient   # in the host's own file", width)
    assert any(line.strip() == "dhcp-option-force=tag:efi-x64-http,60,HTTPClient" for line in lines)


def test_beside_an_error_a_warning_keeps_its_fixes_to_itself() -> None:
    machine = canned.single().machines[0]
    error = replace(machine.findings[0], fixes=(Fix("shell", "mend the error"),))
    warning = replace(error, code="dhcp-nak", severity="warning", fixes=(Fix("shell", "mend the rest"),), proof="")
    cause = replace(warning, code="arch-7-vs-9", severity="note", explains="dhcp-nak")
    report = replace(canned.single(), machines=(replace(machine, findings=(error, warning, cause)),))
    text = shown(report)
    assert "mend the error" in text
    assert "mend the rest" not in text
    assert "cause arch-7-vs-9" in text
    assert text.count("Not what stopped this boot; -v shows how to mend it.") == 1
    assert shown(report, verbose=True).count("mend the rest") == 2
    alone = replace(report, machines=(replace(machine, findings=(warning, cause)),))
    assert shown(alone).count("mend the rest") == 2


def test_how_long_a_machine_waits_is_not_cut_off() -> None:
    assert "waiting for block 312 of grubaa64.efi" in shown(canned.report(canned.in_progress()), quiet=True)
