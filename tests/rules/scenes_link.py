"""Scenes of faults that switches and boot orders cause, and what looks like them."""

from __future__ import annotations

from collections.abc import Callable

from bootsniff.track.ports import GuardedPort, LonelyPort
from bootsniff.wire.transfers import BootContent

from .scene import SCRIPT, Scene

FOUR = (0, 4, 12, 28)
KERNEL, INITRD = BootContent("linux-kernel", "Linux kernel"), BootContent("gzip", "gzip")
PORT, OTHER = "00:1b:21:00:00:07", "52:54:00:00:00:99"


def suspended(mac: str = PORT, since: float = -10, last: float = 20) -> Scene:
    scene = Scene(at="link").discover(*FOUR)
    scene.world.lonely_ports[mac] = LonelyPort(scene.at(since), scene.at(last))
    return scene


def offered_late() -> Scene:
    return suspended().offer(30, file="x.efi").discover(60)


def of_a_host() -> Scene:
    scene = suspended()
    scene.world.arp["192.168.122.1"] = PORT
    return scene


def guarded(since: float = 0.5, last: float = 60.5, *, target: str | None = None, over: bool = False) -> Scene:
    scene = Scene(at="link").discover(*FOUR)
    scene.world.guarded_ports[PORT] = GuardedPort(scene.at(since), scene.at(last), target, over)
    return scene


def speaks() -> Scene:
    scene = guarded()
    scene.world.supplicants.add(scene.machine.mac)
    return scene


def elsewhere(mine: int | None = 10, served: int | None = 20, *, answered: bool = True) -> Scene:
    scene = Scene().discover(*FOUR)
    scene.machine.vlan = mine
    other = Scene(status="in-progress")
    other.machine.vlan = served
    return scene.other_machine(OTHER, other.lease(2, file="x.efi") if answered else other.discover(2))


def turns(count: int = 3, pause: float = 600, *, kernels: tuple[str, ...] = ("linux",)) -> Scene:
    scene = Scene("ipxe-efi-x64", status="handed-off", at=None)
    for number in range(count):
        start = number * pause
        if number:
            scene.boot(status="handed-off", at=None).start = scene.at(start).time
            scene.stage("ipxe-efi-x64")
        scene.lease(start, file="menu.ipxe").tftp(start + 1, "menu.ipxe", "complete", content=SCRIPT, role="script")
        kernel = kernels[number % len(kernels)]
        scene.tftp(start + 2, kernel, "complete", content=KERNEL, role="kernel")
        scene.tftp(start + 3, "initrd.gz", "complete", content=INITRD, role="initrd")
    return scene


FAULTS: dict[str, Callable[[], Scene]] = {
    "link-lacp-suspended": suspended,
    "link-port-unauthorized": guarded,
    "link-wrong-vlan-or-nic": elsewhere,
    "os-install-loop": turns,
}

LOOKALIKES: list[tuple[str, str, Callable[[], Scene]]] = [
    ("dhcp-pool-exhausted", "others are served in another VLAN", elsewhere),
    ("link-lacp-suspended", "no LACPDUs", lambda: Scene().discover(*FOUR)),
    ("link-lacp-suspended", "the port had been alone long before", lambda: suspended(since=-900, last=-600)),
    ("link-lacp-suspended", "the port is alone only afterwards", lambda: suspended(since=100, last=130)),
    ("link-lacp-suspended", "a host's own bond", of_a_host),
    ("link-lacp-suspended", "packets pass", offered_late),
    ("link-port-unauthorized", "no port that asks", lambda: Scene().discover(*FOUR)),
    ("link-port-unauthorized", "it asked long before", lambda: guarded(-900, -600)),
    ("link-port-unauthorized", "it asks only afterwards", lambda: guarded(100, 130)),
    ("link-port-unauthorized", "it asks another machine", lambda: guarded(target=OTHER)),
    ("link-port-unauthorized", "it was told, and is open", lambda: guarded(over=True)),
    ("link-port-unauthorized", "a machine that answers it", speaks),
    ("link-port-unauthorized", "packets pass", lambda: guarded().offer(30, file="x.efi").discover(60)),
    ("link-wrong-vlan-or-nic", "others are served in the same VLAN", lambda: elsewhere(served=10)),
    ("link-wrong-vlan-or-nic", "nobody is served anywhere", lambda: elsewhere(answered=False)),
    ("link-wrong-vlan-or-nic", "no VLANs at all", lambda: elsewhere(None, None)),
    ("os-install-loop", "twice is no loop", lambda: turns(2)),
    ("os-install-loop", "within a minute: a crash", lambda: turns(pause=60)),
    ("os-install-loop", "a diskless machine, every morning", lambda: turns(pause=86400)),
    ("os-install-loop", "another kernel each time", lambda: turns(kernels=("linux", "rescue"))),
]
