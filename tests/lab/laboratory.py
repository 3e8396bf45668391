"""One scenario from start to end: its network, servers and machines, and `bootsniff live` that watches them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from . import servers
from .firmware import MAC, Firmware, Machine
from .network import BRIDGE, BRIDGE_IP, Namespaces, Nat
from .process import LabError, Process, wait_until

BOOTSNIFF = Path(sys.executable).with_name("bootsniff")
ADDRESSES = "192.168.122.100,192.168.122.200"
ISC_SUBNET = """authoritative; ddns-update-style none; default-lease-time 3600; max-lease-time 7200;
option arch code 93 = unsigned integer 16; option ipxe code 175 = string;
subnet 192.168.122.0 netmask 255.255.255.0 {{
  range 192.168.122.100 192.168.122.200; option routers 192.168.122.1;
  {lines}
}}
"""


@dataclass(frozen=True)
class Scenario:
    """What to boot against what. ``play`` sets up servers and machines, and may wait for something.

    ``until``: the state of the machine at which `bootsniff live` ends by itself; None: it is interrupted when
    ``play`` returns. ``seconds`` bounds the whole scenario.
    """

    name: str
    play: Callable[[Lab], None]
    until: Literal["handed-off", "stalled"] | None
    nat: Nat = "none"
    interfaces: tuple[str, ...] = (BRIDGE,)
    seconds: int = 200
    host_facts: bool = False
    mac: str = MAC


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario: everything that `bootsniff` said, live and afterwards."""

    status: int
    events: list[dict[str, Any]]
    recorded: dict[str, Any]
    """The report of `bootsniff read` on live's own recording."""
    notes: str
    """Standard error of `bootsniff live`."""
    console: str

    @property
    def report(self) -> dict[str, Any]:
        """The live report, the last line of standard output."""
        last = self.events[-1]
        assert last["event"] == "report", last
        return last["report"]

    @property
    def machine(self) -> dict[str, Any]:
        """The one machine of the live report."""
        (machine,) = self.report["machines"]
        return machine

    @property
    def kinds(self) -> list[str]:
        """The client kinds of all its stages, in order."""
        return [stage["client"] for boot in self.machine["boots"] for stage in boot["stages"]]

    def codes(self, *severities: str) -> set[str]:
        """Codes of its findings of these severities (all without one)."""
        return {f["code"] for f in self.machine["findings"] if not severities or f["severity"] in severities}

    def fetches(self) -> Iterator[dict[str, Any]]:
        """All fetches of the machine, in order."""
        for boot in self.machine["boots"]:
            for stage in boot["stages"]:
                yield from stage["fetches"]


class Lab:
    """What ``Scenario.play`` works with: the namespaces, starters for servers and machines, waiting."""

    def __init__(self, scenario: Scenario, root: Path, directory: Path, cancelled: threading.Event) -> None:
        self.root = root
        """The tree of bootfiles.build()."""
        self.directory = directory
        self.seconds = scenario.seconds
        self._cancelled = cancelled
        self._machines: list[Machine] = []
        self._stack = ExitStack()
        self.network = Namespaces(scenario.nat)
        self.recording = directory / "live.pcapng"
        """What `bootsniff live` records; every packet stands in it at once."""
        self.live_ended: Callable[[], bool] = lambda: False

    def __enter__(self) -> Self:
        self._stack.enter_context(self.network)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def keep(self, process: Process) -> Process:
        """Have a process ended with the scenario."""
        self._stack.callback(process.stop)
        return process

    def dnsmasq(self, *lines: str, netns: str | None = None) -> Process:
        """Start dnsmasq as DHCP server of the bridge, or with these lines alone in another namespace."""
        bridge = [f"interface={BRIDGE}", "bind-interfaces", f"dhcp-range={ADDRESSES},1h", "no-ping"]
        words = lines if netns else [*bridge, *lines]
        return self.keep(servers.dnsmasq(netns or self.network.hypervisor, self.directory, *words))

    def dhcpd(self, lines: str, netns: str | None = None, interface: str = BRIDGE) -> Process:
        """Start ISC dhcpd with these lines in the bridge's subnet."""
        config = ISC_SUBNET.format(lines=lines)
        return self.keep(servers.dhcpd(netns or self.network.hypervisor, self.directory, config, interface))

    def kea(self, *classes: dict[str, object]) -> Process:
        """Start Kea on the bridge with these client classes."""
        subnet: dict[str, object] = {
            "id": 1,
            "subnet": "192.168.122.0/24",
            "pools": [{"pool": ADDRESSES.replace(",", " - ")}],
            "option-data": [{"name": "routers", "data": BRIDGE_IP}],
        }
        return self.keep(servers.kea(self.network.hypervisor, self.directory, subnet, client_classes=list(classes)))

    def tftpd(self, address: str = BRIDGE_IP, netns: str | None = None) -> Process:
        """Start tftpd-hpa with the boot files."""
        return self.keep(servers.tftpd(netns or self.network.hypervisor, self.directory, self.root, address))

    def nginx(self, *server_lines: str) -> Process:
        """Start nginx with the boot files on the bridge's address."""
        return self.keep(servers.nginx(self.network.hypervisor, self.directory, self.root, *server_lines))

    def boot(self, firmware: Firmware, mac: str = MAC) -> Machine:
        """Power on a machine of this firmware."""
        machine = Machine(firmware, self.network.hypervisor, self.network.add_tap(), self.directory, mac)
        self._stack.callback(machine.stop)
        self._machines.append(machine)
        return machine.start()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition`` holds. Raises LabError when `bootsniff live` or the scenario's time ends first."""
        wait_until(lambda: condition() or self.live_ended() or self._cancelled.is_set(), self.seconds)
        if not condition():
            raise LabError(f"{what} did not happen in {self.seconds} s, or bootsniff live ended before it")

    def console(self) -> str:
        """What all machines have printed so far."""
        return "".join(machine.console() for machine in self._machines)


def run(scenario: Scenario, root: Path, directory: Path, cancelled: threading.Event) -> Outcome:
    """Run one scenario and have its recordings read. Raises LabError when the lab itself fails."""
    directory.mkdir()
    directory.chmod(0o777)  # live gives up root before it opens its recording
    lines = directory / "live.json"
    with Lab(scenario, root, directory, cancelled) as lab:
        hypervisor = lab.network.hypervisor
        words = ["live", ",".join(scenario.interfaces), "--json", "-w", str(lab.recording)]
        words += [] if scenario.host_facts else ["--no-host-facts"]
        words += [] if scenario.until is None else ["--until", f"{scenario.mac}={scenario.until}"]
        live = Process(
            [str(BOOTSNIFF), *words, "--duration", str(scenario.seconds)],
            directory / "live.log",
            netns=hypervisor,
            stdout=lines,
            is_ready=lambda: _packet_sockets(live.pid) >= len(scenario.interfaces),
            stop_signal=signal.SIGINT,
        )
        lab.keep(live).start()
        lab.live_ended = lambda: not live.running
        try:
            scenario.play(lab)
            if scenario.until is not None:
                lab.wait(lab.live_ended, scenario.until)
        except LabError as error:
            raise LabError(f"{error}\n{live.log()}\n{lab.console()[-2000:]}") from error
        status = live.stop()
        console = lab.console()
    if status is None or status < 0:
        raise LabError(f"bootsniff live did not end on SIGINT\n{live.log()}")
    return Outcome(
        status=status,
        events=[json.loads(line) for line in lines.read_text().splitlines()],
        recorded=read(lab.recording),
        notes=live.log(),
        console=console,
    )


def read(path: Path) -> dict[str, Any]:
    """The report of `bootsniff read` on this file."""
    done = subprocess.run([BOOTSNIFF, "read", "--json", path], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode not in (0, 1, 4):
        raise LabError(f"bootsniff read: status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def _packet_sockets(pid: int) -> int:
    """How many packet sockets run in the network namespace of a process."""
    table = Path(f"/proc/{pid}/net/packet").read_text().splitlines()[1:]
    return sum(line.split()[5] == "1" for line in table)
