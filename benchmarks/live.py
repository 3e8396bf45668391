"""Prints what live capture loses and costs: `python -m benchmarks.live` (root, gcc, Linux; some ten minutes).

A sender in C plays a mix of TFTP and HTTP boots through a veth pair in a namespace of its own, each round with new
connections; bootsniff with its full analysis stands beside tcpdump, dumpcap in a pipe and scapy. Only figures of one
run compare.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from .live_wire import NEAR, Blast, Receiver, Seen, wire
from .make_captures import make

BOOTSNIFF = str(Path(sys.executable).with_name("bootsniff"))
GIGABIT = 120_000
"""Packets of this mix in a second that make 1 Gb/s."""
ORDINARY_USER = 65534
ORDINARY_RATES = (150_000, 0)
FULL_RATE = 500_000
"""About what the sender brings to the wire when nothing holds it, for the length of a run at rate 0."""
SCAPY = """
import signal, sys, time
from scapy.arch.linux import L2ListenSocket
from scapy.sendrecv import AsyncSniffer
count = 0
def one(packet):
    global count
    count += 1
sniffer = AsyncSniffer(iface=sys.argv[1], store=False, prn=one)
sniffer.start()
time.sleep(1)
print("listening on", file=sys.stderr, flush=True)
signal.sigwait({signal.SIGINT})
time.sleep(1)
sniffer.stop()
print(count)
"""


def count_text(output: str, _: str) -> Seen:
    """The report for people, on a terminal behind all that was painted before it; its lines are wrapped."""
    words = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.rpartition("\x1b[?1049l")[2]).split())
    frames = re.search(rf"{NEAR}: live(?:, by \w+)?, ([\d,]+) frame", words)
    return Seen(_number(frames), _number(re.search(r"([\d,]+) frames? lost while capturing", words)))


def count_events(truth: dict[str, int], output: str, _: str) -> Seen:
    """The report at the end of an event stream, and how much of `truth` is in it."""
    report = json.loads(output.splitlines()[-1])["report"]
    boots = [boot for machine in report["machines"] for boot in machine["boots"]]
    stages = [stage for boot in boots for stage in boot["stages"]]
    whole = {"discovers": 1, "offers": 1, "status": "bound"}
    found = {
        "boots": len(boots),
        "DHCP exchanges": sum({key: (stage["dhcp"] or {}).get(key) for key in whole} == whole for stage in stages),
        "requests": sum(len(stage["fetches"]) for stage in stages),
    }
    capture = report["captures"][0]
    text = ", ".join(f"{found[name]:,} of {number:,} {name}" for name, number in truth.items())
    return Seen(capture["frames"], capture["dropped_frames"], text)


def _number(match: re.Match[str] | None) -> int:
    return int(match[1].replace(",", "")) if match else 0


def count_tcpdump(_: str, errors: str) -> Seen:
    lost = re.search(r"(\d+) packets dropped by kernel", errors)
    return Seen(_number(re.search(r"(\d+) packets captured", errors)), _number(lost))


def count_dumpcap(_: str, errors: str) -> Seen:
    pairs = re.findall(r"on interface '[^']*': (\d+)/(\d+)", errors)
    return Seen(sum(int(seen) for seen, _ in pairs), sum(int(lost) for _, lost in pairs))


def as_root(folder: Path, truth: dict[str, int]) -> list[Receiver]:
    live = [BOOTSNIFF, "live", NEAR, "--no-host-facts", "-Z", "root"]
    events = partial(count_events, truth)
    found = [
        Receiver("bootsniff live --plain", [*live, "--plain"], count_text),
        Receiver("bootsniff live --json", [*live, "--json"], events),
        Receiver("  --json, nobody reads", [*live, "--json"], events, reader="nobody"),
        Receiver("  TUI, terminal hangs", [*live, "--color", "never"], count_text, reader="no terminal"),
        Receiver("  --json -w FILE", [*live, "--json", "-w", str(folder / "b.pcapng")], events),
        Receiver("tcpdump -w FILE", ["tcpdump", "-Z", "root", "-i", NEAR, "-w", str(folder / "t.pcap")], count_tcpdump),
    ]
    if shutil.which("dumpcap"):
        pipe = f"exec dumpcap -q -B 32 -i {NEAR} -w - | cat > /dev/null"
        found.append(Receiver("dumpcap | cat", ["sh", "-c", pipe], count_dumpcap, leader_only=False))
    scapy = [sys.executable, "-c", SCAPY, NEAR]
    found.append(Receiver("scapy AsyncSniffer", scapy, lambda output, _: Seen(int(output or 0), 0)))
    return found


def as_user(folder: Path, truth: dict[str, int]) -> list[Receiver]:
    """Through a dumpcap that has its capabilities; none where that cannot be set up, and why is said."""
    program = shutil.which("dumpcap")
    if program is None or not shutil.which("setpriv") or not shutil.which("setcap"):
        print("  left out: needs dumpcap, setpriv and setcap")
        return []
    copy = folder / "dumpcap"
    shutil.copy(program, copy)
    for path in (folder, copy):
        path.chmod(0o755)
    become = ["setpriv", f"--reuid={ORDINARY_USER}", f"--regid={ORDINARY_USER}", "--clear-groups"]
    if (
        subprocess.run(["setcap", "cap_net_raw,cap_net_admin+eip", str(copy)], check=False).returncode
        or subprocess.run([*become, BOOTSNIFF, "--version"], capture_output=True, check=False).returncode
    ):
        print(f"  left out: no file capabilities in {folder}, or {BOOTSNIFF} is not for every user")
        return []
    live = ["env", f"PATH={folder}:{os.environ['PATH']}", *become, BOOTSNIFF, "live", NEAR, "--no-host-facts"]
    return [
        Receiver("bootsniff live --json", [*live, "--json"], partial(count_events, truth)),
        Receiver("  --json, nobody reads", [*live, "--json"], partial(count_events, truth), reader="nobody"),
    ]


def show(receiver: Receiver, blast: Blast, capture: Path, packets: int, rate: int) -> None:
    figures, sent = receiver.measure(partial(blast.send, capture, packets, rate))
    seen = figures.seen
    reader = "" if receiver.reader == "file" or figures.stuck else ", though its output never filled up"
    print(
        f"  {receiver.name:<24} {sent.packets - sent.backlog - seen.frames:>10,} lost ({seen.lost:,} told) of "
        f"{sent.packets:,} at {sent.speed:,.0f}/s, {sent.gigabits:.2f} Gb/s; {100 * figures.cpu:5.1f} % of a core, "
        f"{figures.peak:5.0f} MB{reader}",
        flush=True,
    )
    if seen.report:
        print(f"{'':29}{seen.report}", flush=True)
    if sent.backlog:
        print(f"{'':29}{sent.backlog:,} packets were lost by the kernel on the way and are not counted", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=25)
    parser.add_argument("--rates", type=int, nargs="*", default=[GIGABIT, 400_000], help="as root")
    parser.add_argument("--user-rates", type=int, nargs="*", default=ORDINARY_RATES, help="through dumpcap; 0: all")
    parser.add_argument("--only", default="", help="receivers whose name contains this")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("gcc"):
        raise SystemExit("needs root, for a network namespace, and gcc, for the sender")
    capture = make("plain")
    truth = json.loads(capture.with_suffix(".json").read_text())
    a_round = {
        "boots": truth["clients"],
        "DHCP exchanges": 2 * truth["clients"],  # the firmware's and iPXE's
        "requests": len(truth["fetches"]),
    }
    with tempfile.TemporaryDirectory() as name, wire():
        folder = Path(name)
        blast = Blast(folder)
        for who, rates, make_receivers in (
            ("as root", arguments.rates, as_root),
            ("as an ordinary user, through dumpcap", arguments.user_rates, as_user),
        ):
            for rate in rates:
                rounds = max(1, round((rate or FULL_RATE) * arguments.seconds / truth["frames"]))
                packets = rounds * truth["frames"]
                print(f"{who}: {packets:,} packets at {f'{rate:,} a second' if rate else 'the sender’s full rate'}")
                for receiver in make_receivers(folder, {key: rounds * number for key, number in a_round.items()}):
                    if arguments.only in receiver.name:
                        show(receiver, blast, capture, packets, rate)
                    for path in folder.glob("*.pcap*"):
                        path.unlink()


if __name__ == "__main__":
    main()
