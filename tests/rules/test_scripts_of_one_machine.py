"""Scripts of one machine, which iPXE fetches under names like those of PXELINUX's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..track.play import CONTENTS
from .boots import PXELINUX
from .packets import Wire, machine, read

AGENT = "iPXE/1.21.1"
OWN = "/pxelinux.cfg/52-54-00-89-32-47"
CHAIN = b"#!ipxe\nchain pxelinux.cfg/${mac:hexhyp} || chain inspector.ipxe\n"
KERNEL = b"#!ipxe\nkernel http://192.168.122.1/linux\ninitrd http://192.168.122.1/initrd\nboot\n"
GRUB = b"set default=deploy\nset timeout=5\nmenuentry deploy {\n linuxefi /x/kernel\n}\n"


def chained() -> Wire:
    wire = Wire("ipxe-efi-x64").lease(file="http://192.168.122.1/boot.ipxe")
    return wire.fetch(1, "/boot.ipxe", body=CHAIN, agent=AGENT)


def started(wire: Wire) -> Wire:
    wire.fetch(4, "/linux", body=CONTENTS["kernel"], agent=AGENT)
    return wire.fetch(5, "/initrd", body=CONTENTS["gzip"], agent=AGENT).quiet(90)


@pytest.mark.parametrize("exists", [True, False])
def test_ipxe_fetches_its_script_itself(exists: bool, tmp_path: Path) -> None:
    wire = chained()
    if exists:
        wire.fetch(2, OWN, body=KERNEL, agent=AGENT)
    else:
        wire.fetch(2, OWN, "404 Not Found", b"no", agent=AGENT).fetch(3, "/inspector.ipxe", body=KERNEL, agent=AGENT)
    found = machine(read(started(wire).save(tmp_path / "x.pcap")))
    assert [stage.client for stage in found.boots[0].stages] == ["ipxe-efi-x64"]
    assert (found.status, found.findings) == ("handed-off", ())


@pytest.mark.parametrize("agent", [AGENT, "Syslinux/6.04"])
def test_a_pxelinux_that_ipxe_loaded_asks_in_its_own_name_or_through_ipxe(agent: str, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/lpxelinux.0")
    wire.fetch(1, "/lpxelinux.0", body=PXELINUX, agent=AGENT)
    wire.fetch(2, OWN, body=b"default l\nlabel l\nkernel /linux\n", agent=agent)
    found = machine(read(wire.quiet(5).save(tmp_path / "x.pcap")))
    assert [stage.client for stage in found.boots[0].stages] == ["ipxe-bios", "pxelinux"]


def test_a_configuration_of_grub_is_no_script(tmp_path: Path) -> None:
    wire = chained().fetch(2, OWN, body=GRUB, agent=AGENT).quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "chain")
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("chain-text-instead-of-program", "error")
    assert "a configuration of another program: it begins with “set default=deploy”" in finding.summary
    assert not any("sed" in fix.text for fix in finding.fixes)
