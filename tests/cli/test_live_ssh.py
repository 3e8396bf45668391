"""`bootsniff live ssh://…` with a stand-in for ssh that runs the far command here, and one for the far tcpdump."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader, wrpcap

from tests.cli.live_program import CLIENT, MISSING_FILE, TIMEOUT, Live, dhcp, report_of

SSH = """\
#!/bin/sh
printf '%s\\n' "$@" >{folder}/called
while [ $# -gt 0 ]; do
    case $1 in -T | --) shift ;; -p) shift 2 ;; *) break ;; esac
done
shift
export SSH_CONNECTION="10.0.0.5 50022 10.0.0.1 22"
{before}
exec /bin/sh -c "$*"
"""
TCPDUMP = """\
#!{python}
# Writes what it was given at once, and what is left in the kernel's buffer when it is told to end, as tcpdump does.
import signal, sys
def end(*_):
    sys.stdout.buffer.write(open("{folder}/last", "rb").read())
    sys.stdout.buffer.flush()
    print("9 packets captured\\n9 packets received by filter\\n3 packets dropped by kernel", file=sys.stderr)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, end)
print("tcpdump: listening on near0, link-type EN10MB (Ethernet)", file=sys.stderr)
sys.stdout.buffer.write(open("{folder}/first", "rb").read())
sys.stdout.buffer.flush()
while True:
    signal.pause()
"""
ADDRESS = "ssh://admin@hyper/near0"


class Far:
    """A folder to stand first in PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(0o755)
        self.write("id", "#!/bin/sh\necho 0\n")
        self.write("tcpdump", TCPDUMP.format(python=sys.executable, folder=folder))
        self.answer()
        self.packets(MISSING_FILE)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def answer(self, before: str = "") -> None:
        """What ssh does before it runs the command."""
        self.write("ssh", SSH.format(folder=self.folder, before=before))

    def packets(self, first: list[bytes], last: list[bytes] | None = None) -> None:
        """What the far tcpdump has at once, and what more when it ends."""
        wrpcap(str(self.folder / "first"), first, linktype=1)
        wrpcap(str(self.folder / "last"), last or [b""], linktype=1)
        (self.folder / "last").write_bytes((self.folder / "last").read_bytes()[24:] if last else b"")

    @property
    def called(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()


@pytest.fixture
def far(tmp_path: Path) -> Far:
    return Far(tmp_path)


def test_a_boot_elsewhere_is_told_while_it_happens(far: Far) -> None:
    live = Live("ssh://admin@hyper:2222/near0", "--json", env=far.env)
    live.event("stall", mac=CLIENT, stalled_at="tftp")
    assert far.called[:5] == ["-T", "-p", "2222", "--", "admin@hyper"]
    live.interrupt()
    status, output = live.end()
    assert status == 1
    (capture,) = report_of(output)["captures"]
    assert (capture["path"], capture["format"]) == ("hyper:near0", "live, by ssh")
    assert capture["interfaces"] == ["near0"]
    # The far tcpdump was asked to end, and what it said was heard.
    assert (capture["frames"], capture["dropped_frames"]) == (len(MISSING_FILE), 3)
    assert "bootsniff: 3 packets lost on hyper:near0" in live.said


def test_ctrl_c_on_the_terminal_loses_nothing(far: Far) -> None:
    """It reaches every process there; what the far host still has comes before the end."""
    far.packets(MISSING_FILE[:3], MISSING_FILE[3:])
    live = Live(ADDRESS, "--json", env=far.env, group=True)
    live.event("machine", mac=CLIENT)
    os.killpg(live.process.pid, signal.SIGINT)
    status, output = live.end()
    assert status == 1
    report = report_of(output)
    assert report["captures"][0]["frames"] == len(MISSING_FILE)
    assert report["machines"][0]["findings"][0]["code"] == "tftp-file-not-found"


@pytest.mark.parametrize("until", ["stalled", "handed-off"])
def test_until_and_a_duration(far: Far, until: str) -> None:
    live = Live(ADDRESS, "--json", "--until", f"{CLIENT}={until}", "--duration", "1", env=far.env)
    assert live.end()[0] == 5


def test_a_number_of_packets(far: Far) -> None:
    live = Live(ADDRESS, "--json", "--count", "2", env=far.env)
    status, output = live.end()
    assert status in (0, 1)
    assert report_of(output)["captures"][0]["frames"] >= 2


def test_plain(far: Far) -> None:
    live = Live(ADDRESS, "--plain", "--utc", "--duration", "1", env=far.env)
    status, output = live.end()
    assert status == 1
    log, _, report = output.partition("\n\n")
    assert f"{CLIENT}  STALLED at tftp" in log
    assert "hyper:near0: live, by ssh" in report
    assert "listening on hyper:near0" in live.said[0]


def test_what_was_recorded_reads_back_the_same(far: Far, tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    live = Live(ADDRESS, "--json", "-w", str(path), env=far.env)
    live.event("stall")
    live.interrupt()
    _, output = live.end()
    assert [data for data, _ in RawPcapReader(str(path))] == MISSING_FILE
    read = subprocess.run(
        [sys.executable, "-c", "from bootsniff.cli import main; main()", "read", "--json", str(path)],
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    again, report = json.loads(read.stdout), report_of(output)
    assert again["machines"] == report["machines"]
    assert again["captures"][0]["interfaces"] == ["near0"]
    assert again["captures"][0]["dropped_frames"] == report["captures"][0]["dropped_frames"] == 3


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("echo 'ssh: connect to host hyper port 22: Connection refused' >&2; exit 255", "Connection refused"),
        ("printf 'Hello\\nroot@hyper: Permission denied (publickey).\\n' >&2; exit 255", "Permission denied"),
        ("exit 255", "hyper:near0"),
        ("rm {folder}/tcpdump; ln -s /bin/sh {folder}/sh; PATH={folder}", "tcpdump is not installed there"),
        (
            "echo 'echo 1000' >{folder}/id; echo 'echo sudo: a password is required >&2' >{folder}/sudo",
            "log in as root",
        ),
        ("echo Welcome to hyper", "no capture came, but “Welcome to hyper”"),
    ],
)
def test_what_stands_in_the_way_is_one_line(far: Far, before: str, text: str) -> None:
    far.write("sudo", "#!/bin/sh\n")
    far.answer(before.format(folder=shlex.quote(str(far.folder))))
    live = Live(ADDRESS, "--json", env=far.env)
    assert live.end() == (3, "")
    assert len(live.said) == 1
    assert live.said[0].startswith("bootsniff: hyper:near0: ")
    assert text in live.said[0]


def test_no_ssh(far: Far) -> None:
    (far.folder / "ssh").unlink()
    live = Live(ADDRESS, "--json", env={"PATH": str(far.folder)})
    assert live.end() == (3, "")
    assert live.said == ["bootsniff: cannot start ssh: No such file or directory"]


def test_an_interface_that_goes_there_ends_it_with_the_report(far: Far) -> None:
    far.write(
        "tcpdump",
        f"#!/bin/sh\ncat {shlex.quote(str(far.folder))}/first\necho 'tcpdump: The interface disappeared' >&2\n",
    )
    live = Live(ADDRESS, "--json", env=far.env)
    status, output = live.end()
    assert status == 3
    assert report_of(output)["machines"][0]["status"] == "stalled"
    assert live.said[-1] == "bootsniff: hyper:near0: the capture ended by itself: The interface disappeared"


def test_ssh_that_waits_for_a_password_can_be_left(far: Far) -> None:
    far.answer(f"mkfifo {far.folder}/answer; echo asks >{far.folder}/asks; read word <{far.folder}/answer")
    live = Live(ADDRESS, "--json", env=far.env, ready=False)
    while not (far.folder / "asks").exists():
        assert live.process.poll() is None
    live.interrupt()
    assert live.end() == (3, "")
    assert live.said == ["bootsniff: hyper:near0: told to end before the capture began"]


def test_a_pipe_from_tcpdump_elsewhere_tells_while_it_is_open(far: Far, tmp_path: Path) -> None:
    far.packets(MISSING_FILE, [dhcp("discover", "52:54:00:00:00:77", xid=8)])
    bootsniff = f"{shlex.quote(sys.executable)} -c 'from bootsniff.cli import main; raise SystemExit(main())'"
    command = f'trap : INT; ssh hyper tcpdump -U -w - "$({bootsniff} filter)" | {bootsniff} read --events -; exit $?'
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **far.env},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        kinds = []
        for line in process.stdout:
            kinds.append(json.loads(line)["event"])
            if kinds[-1] == "stall":
                break
        assert "finding" in kinds
        # Ctrl-C: tcpdump ends, and so does the pipe; the reader reports.
        os.killpg(process.pid, signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout]
        assert rest[-1]["event"] == "report"
        assert process.wait(TIMEOUT) == 1
