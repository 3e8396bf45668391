"""`bootsniff live` as a user runs it, on a veth pair in a namespace of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.live_program import CLIENT, MISSING_FILE, TIMEOUT, Live, dhcp, report_of
from tests.sources.blocks import read_pcapng
from tests.sources.netns import NEAR, Namespace, needs_root, new_namespace
from tests.tui.pseudo_terminal import Terminal

pytestmark = [pytest.mark.root, needs_root]


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with new_namespace(f"bootsniff-cli-{os.getpid()}") as made:
        yield made


def test_a_missing_file_is_told_while_it_happens(namespace: Namespace) -> None:
    live = Live(NEAR, "--json")
    namespace.send(MISSING_FILE)
    finding = live.event("finding", code="tftp-file-not-found")
    assert finding["mac"] == CLIENT
    assert finding["confidence"] == "certain"
    live.event("stall", mac=CLIENT, stalled_at="tftp")
    live.interrupt()
    status, output = live.end()
    assert status == 1
    report = report_of(output)
    (machine,) = report["machines"]
    assert machine["status"] == "stalled"
    (capture,) = report["captures"]
    assert (capture["path"], capture["frames"], capture["dropped_frames"]) == (NEAR, len(MISSING_FILE), 0)


def test_what_was_recorded_reads_back_the_same(namespace: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    live = Live(NEAR, "--json", "-w", str(path), "--no-host-facts")
    namespace.send(MISSING_FILE)
    live.event("stall")
    live.interrupt()
    _, output = live.end()
    read = subprocess.run(
        [sys.executable, "-c", "from bootsniff.cli import main; main()", "read", "--json", str(path)],
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert json.loads(read.stdout)["machines"] == report_of(output)["machines"]


def test_nobody_boots(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", "--duration", "0.2")
    status, output = live.end()
    assert status == 4
    assert report_of(output)["machines"] == []


def test_a_number_of_packets_is_enough(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", "--count", "3")
    namespace.send(MISSING_FILE)
    status, output = live.end()
    assert status in (0, 1)
    assert report_of(output)["captures"][0]["frames"] >= 3


def test_until_in_vain(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", "--duration", "0.5", "--until", f"{CLIENT}=handed-off")
    namespace.send(MISSING_FILE)
    status, _ = live.end()
    assert status == 5
    assert any("handed-off" in line for line in live.said)


def test_words_narrow_it(namespace: Namespace) -> None:
    live = Live(NEAR, "udp", "port", "69", "--json", "--duration", "1")
    namespace.send(MISSING_FILE)
    _, output = live.end()
    assert report_of(output)["captures"][0]["frames"] == 1


def test_several_machines_in_a_log_for_people(namespace: Namespace) -> None:
    live = Live(NEAR, "--plain", "--duration", "1")
    namespace.send([*MISSING_FILE, dhcp("discover", "52:54:00:00:00:77", xid=8)])
    status, output = live.end()
    assert status == 1
    lines = output.splitlines()
    assert any(CLIENT in line and "tftp-file-not-found" in line for line in lines)
    assert any(CLIENT in line and "STALLED at tftp" in line for line in lines)
    assert any("52:54:00:00:00:77" in line and "DHCP no answer yet" in line for line in lines)
    assert "\x1b" not in output


@pytest.mark.parametrize(("lines", "wrapped"), [(9, 1), (50, 1), (50, 3)])
def test_the_state_below_the_log_fits_the_terminal(namespace: Namespace, lines: int, wrapped: int) -> None:
    """What was written below the log is taken back whole: no more lines than there are, wrapped ones counted."""
    terminal = Terminal((lines, 120))

    def taken_back() -> list[int]:
        return [int(number) for number in re.findall(rb"\x1b\[(\d+)F", terminal.painted)]

    try:
        process = terminal.start("live", NEAR, "--plain", "--no-host-facts")
        terminal.wait_for("listening on")
        namespace.send(crowd(20, "discover"))
        terminal.wait_for("20 booting")
        terminal.wait_for("waiting for OFFER")
        terminal.resize((lines, 120 // wrapped))
        before = len(taken_back())
        # 40 columns are too few for any state: it is taken back once, with the lines that it has become.
        while (max(taken_back(), default=0) <= 14) if wrapped > 1 else (len(taken_back()) < before + 2):
            terminal.read()
        assert terminal.leave(process, b"\x03") == 0
    finally:
        terminal.close()
    assert max(taken_back()) < lines
    assert wrapped > 1 or max(taken_back()) <= 14
    assert b"20 machines" in terminal.painted


def crowd(number: int, *kinds: str) -> list[bytes]:
    """DHCP messages of so many machines, made of one by changing its addresses."""
    frames = []
    for kind in kinds:
        frame = bytearray(dhcp(kind))
        frame[40:42] = b"\0\0"  # no UDP checksum
        for i in range(number):
            mac = bytes.fromhex("5254aa") + i.to_bytes(3, "big")
            frames.append(bytes(frame).replace(bytes.fromhex(CLIENT.replace(":", "")), mac))
    return frames


def test_a_reader_that_hangs_does_not_hold_the_capture(namespace: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    live = Live(NEAR, "--json", "--no-host-facts", "-w", str(path))
    # Some 3,000 machines' events are several times what the pipes hold, and nobody reads them.
    sent = crowd(3000, "discover", "offer")
    namespace.send(sent)
    while len(read_pcapng(path, growing=True).packets) < len(sent):
        assert live.process.poll() is None
    namespace.send(MISSING_FILE)
    while len(read_pcapng(path, growing=True).packets) < len(sent) + len(MISSING_FILE):
        assert live.process.poll() is None
    live.interrupt()
    status, output = live.end()
    report = report_of(output)
    assert (report["captures"][0]["frames"], report["captures"][0]["dropped_frames"]) == (len(sent) + 6, 0)
    assert len([machine for machine in report["machines"] if machine["status"] != "not-booting"]) == 3001
    assert status == 1


def test_the_second_interrupt_ends_it_although_the_reader_hangs(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", "--no-host-facts")
    namespace.send(crowd(1000, "discover"))
    live.interrupt()
    # Its report does not fit into the pipe, and nobody reads: the program waits.
    with pytest.raises(subprocess.TimeoutExpired):
        live.process.wait(4)
    live.interrupt()
    assert live.process.wait(TIMEOUT) == 130
    live.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_for_the_whole_group_ends_it_with_the_report(namespace: Namespace, number: signal.Signals) -> None:
    """Ctrl-C, timeout(1) and a terminal that is closed tell the capture process too."""
    live = Live(NEAR, "--json", group=True)
    namespace.send(MISSING_FILE)
    live.event("stall")
    os.killpg(live.process.pid, number)
    status, output = live.end()
    assert status == 1
    assert report_of(output)["captures"][0]["frames"] == len(MISSING_FILE)


def test_a_reader_that_goes_away_ends_it_quietly(namespace: Namespace) -> None:
    live = Live(NEAR, "--json")
    assert live.process.stdout is not None
    live.process.stdout.close()
    capture = live.processes[1]
    namespace.send(MISSING_FILE)
    assert live.process.wait(TIMEOUT) == 0
    assert not Path(f"/proc/{capture}").exists()
    assert live.process.stderr is not None
    assert "Traceback" not in live.process.stderr.read()
    live.process.stderr.close()


def test_a_kill_leaves_a_readable_recording(namespace: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    live = Live(NEAR, "--json", "-w", str(path))
    namespace.send(MISSING_FILE)
    live.event("stall")
    for number in live.processes:
        os.kill(number, signal.SIGKILL)
    live.end()
    written = read_pcapng(path)
    assert [data for _, _, _, data in written.packets] == MISSING_FILE
    assert written.interfaces == [(1, NEAR)]


def test_both_processes_give_root_up(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", env={"SUDO_UID": ""})
    for number in live.processes:
        status = Path(f"/proc/{number}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == ["65534"] * 4
        assert "0" not in fields["Groups"].split()
        assert int(fields["CapEff"], 16) == 0
        assert int(fields["CapPrm"], 16) == 0
    live.interrupt()
    assert live.end()[0] == 4


def test_sudos_user_may_not_write_there(namespace: Namespace, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    live = Live(NEAR, "-w", str(tmp_path / "x.pcapng"), "--json", env={"SUDO_UID": "65534"})
    status, _ = live.end()
    assert status == 3
    assert any("may not write" in line for line in live.said)
    assert not (tmp_path / "x.pcapng").exists()


def test_two_interfaces(namespace: Namespace) -> None:
    namespace.add_pair("far1", "near1")
    live = Live(f"{NEAR},near1", "--json")
    namespace.send(MISSING_FILE[:4])
    namespace.send(MISSING_FILE[4:], "far1")
    live.event("stall", stalled_at="tftp")
    live.interrupt()
    status, output = live.end()
    assert status == 1
    assert report_of(output)["captures"][0]["interfaces"] == [NEAR, "near1"]


def test_an_interface_that_goes_is_told(namespace: Namespace) -> None:
    live = Live(NEAR, "--json")
    namespace.ip("link", "del", "far0")
    assert live.process.stderr is not None
    assert "is gone" in live.process.stderr.readline()
    namespace.add_pair()
    assert "created anew" in live.process.stderr.readline()
    namespace.send(MISSING_FILE)
    live.event("stall")
    live.interrupt()
    assert live.end()[0] == 1


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["nope0", "--json"], 3, "no interface nope0"),
        ([NEAR, "--json", "prot", "67"], 2, "no capture filter"),
        ([NEAR, "--json", "-w", "/nonexistent/x"], 3, "/nonexistent/x"),
        (["ssh://-oProxyCommand=x/eth0", "--json"], 2, "ssh://user@host/interface"),
    ],
)
def test_what_cannot_work_ends_with_one_line(namespace: Namespace, words: list[str], status: int, text: str) -> None:
    live = Live(*words)
    assert live.end() == (status, "")
    assert len(live.said) == 1
    assert text in live.said[0]


@pytest.fixture
def capable_dumpcap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dumpcap that an ordinary user may capture with."""
    program = shutil.which("dumpcap")
    if program is None or shutil.which("setcap") is None:
        pytest.skip("dumpcap or setcap is not installed")
    folder = tmp_path_factory.mktemp("dumpcap")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    copy = folder / "dumpcap"
    shutil.copy(program, copy)
    copy.chmod(0o755)
    done = subprocess.run(["setcap", "cap_net_raw,cap_net_admin+eip", str(copy)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this file system keeps no capabilities")
    return folder


def seen_by_an_ordinary_user(names: str, namespace: Namespace, capable_dumpcap: Path) -> dict[str, Any]:
    """The report of a boot that stalls, captured through dumpcap."""
    live = Live(names, "--json", user=65534, env={"PATH": f"{capable_dumpcap}:{os.environ['PATH']}"})
    namespace.send(MISSING_FILE)
    live.event("stall", stalled_at="tftp")
    live.interrupt()
    status, output = live.end()
    assert status == 1
    return report_of(output)


def test_an_ordinary_user_captures_through_dumpcap(namespace: Namespace, capable_dumpcap: Path) -> None:
    (capture,) = seen_by_an_ordinary_user(NEAR, namespace, capable_dumpcap)["captures"]
    assert (capture["frames"], capture["dropped_frames"]) == (len(MISSING_FILE), 0)


def test_an_ordinary_user_captures_beside_an_interface_without_link_headers(
    namespace: Namespace, capable_dumpcap: Path
) -> None:
    namespace.ip("tuntap", "add", "tun9", "mode", "tun")
    namespace.ip("link", "set", "tun9", "up")
    report = seen_by_an_ordinary_user(f"tun9,{NEAR}", namespace, capable_dumpcap)
    (capture,) = report["captures"]
    assert (capture["link_types"], capture["interfaces"]) == (["RAW", "EN10MB"], ["tun9", NEAR])
    assert len(report["machines"]) == 1


def test_an_ordinary_users_capture_outlives_the_interface(namespace: Namespace, capable_dumpcap: Path) -> None:
    live = Live(NEAR, "--json", user=65534, env={"PATH": f"{capable_dumpcap}:{os.environ['PATH']}"})
    namespace.send(MISSING_FILE[:4])
    live.event("stage")
    assert live.process.stderr is not None
    namespace.ip("link", "del", "far0")
    assert "is gone" in live.process.stderr.readline()
    namespace.add_pair()
    assert "created anew" in live.process.stderr.readline()
    # Each dumpcap holds the interface in promiscuous mode; the second is started when the first one captures.
    while "promiscuity 2" not in namespace.show(NEAR):
        assert live.process.poll() is None
    namespace.send(MISSING_FILE[4:])
    live.event("stall", stalled_at="tftp")
    live.interrupt()
    status, output = live.end()
    assert status == 1
    (capture,) = report_of(output)["captures"]
    assert capture["frames"] == len(MISSING_FILE)
    assert len(report_of(output)["machines"]) == 1


def test_an_ordinary_user_is_told_the_way(namespace: Namespace, tmp_path: Path) -> None:
    live = Live(NEAR, "--json", user=65534, env={"PATH": str(tmp_path)})
    assert live.end()[0] == 3
    assert len(live.said) == 1
    assert "sudo" in live.said[0]
    assert "python" not in live.said[0].lower().split("sudo", 1)[1].split(";")[0]


@pytest.mark.parametrize("words", [["-w", ""], ["-w", "-"]])
def test_a_recording_needs_a_name(namespace: Namespace, words: list[str]) -> None:
    """An unset variable must not mean that nothing is recorded."""
    live = Live(NEAR, "--json", *words)
    assert live.end() == (2, "")
    assert "-w needs the name of a file" in live.said[0]


def test_root_that_stays_root_says_so(namespace: Namespace) -> None:
    live = Live(NEAR, "--json", "-Z", "root", "--duration", "0.2")
    assert live.end()[0] == 4
    assert not [line for line in live.said if "dropped" in line]
    assert "bootsniff: running as root" in live.said
