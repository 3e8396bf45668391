"""Makes the captures that the benchmarks read, always the same bytes: `python -m benchmarks.make_captures [NAME...]`.

They go to benchmarks/data; beside each lies a .json with what a reader has to find in it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .assemble import write
from .boots import MS, START, Network, make_file, storm
from .packets import Link

DATA = Path(__file__).parent / "data"
MIB = 1 << 20


@dataclass(frozen=True)
class Recipe:
    """One capture: so many clients, each fetching an initrd of so many bytes."""

    clients: int
    initrd: int
    link: str = "ethernet"
    version: int = 4
    pcapng: bool = False
    tftp_only: bool = False
    spread: int = 400
    """Time between two clients' power-on, ms."""

    @property
    def suffix(self) -> str:
        return ".pcapng" if self.pcapng else ".pcap"


CAPTURES = {
    "boot-100m": Recipe(2, 42 * MIB),
    "boot-1g": Recipe(60, 10 * MIB),
    "boot-4g": Recipe(60, 56 * MIB),
    "vlan": Recipe(20, 10 * MIB, link="vlan"),
    "ipv6": Recipe(20, 10 * MIB, version=6),
    "sll2": Recipe(20, 10 * MIB, link="sll2"),
    "plain": Recipe(20, 10 * MIB),
    "pcapng": Recipe(20, 10 * MIB, pcapng=True),
    "tftp512": Recipe(60, 4 * MIB, tftp_only=True),
    "storm": Recipe(20_000, 0),
    "crowd": Recipe(5_000, 0),
}
"""`plain` is what `vlan`, `ipv6`, `sll2` and `pcapng` are compared with."""


def path_of(name: str) -> Path:
    return DATA / (name + CAPTURES[name].suffix)


def make(name: str) -> Path:
    """Make one capture unless it is there already."""
    recipe, path = CAPTURES[name], path_of(name)
    truth = path.with_suffix(".json")
    if truth.exists():
        return path
    DATA.mkdir(exist_ok=True)
    network = Network(Link(recipe.link), recipe.version, 512 if recipe.tftp_only else 1468)
    if not recipe.initrd:
        for _ in storm(network, recipe.clients):
            pass
    elif recipe.tftp_only:
        files = [make_file("ipxe.efi", recipe.initrd)]
    else:
        files = [make_file("ipxe.efi", MIB), make_file("boot.ipxe", 0), make_file("vmlinuz", 5 * MIB)]
        files.append(make_file("initrd.img", recipe.initrd))
    if recipe.initrd:
        for number in range(recipe.clients):
            start = START + number * recipe.spread * MS
            network.boot(network.host(2 + number), start, files, http=not recipe.tftp_only)
    frames = write(network.plan, path, pcapng=recipe.pcapng)
    found = {"frames": frames, "clients": recipe.clients, "fetches": [asdict(entry) for entry in network.truth]}
    truth.write_text(json.dumps(found))
    return path


def main() -> None:
    names = sys.argv[1:] or [name for name in CAPTURES if name != "boot-4g"]
    for name in names:
        path = make(name)
        print(f"{path}  {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
