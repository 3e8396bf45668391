"""iPXE scripts whose kernel does not find its initrd on UEFI, initrds of no bytes, and what looks like them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bootsniff.model import Machine

from .boots import INITRD
from .boots import KERNEL as BIOS_KERNEL
from .boots_files import grub, kernel
from .packets import Wire, errors, machine, read
from .scene import SERVER

BASE = f"http://{SERVER}"
KERNEL = kernel(20_000)
OLD = "iPXE/1.0.0+git-20190125.36a4c85-5.1"
NEW = "iPXE/2.0.0+ (g1234)"
UNNAMED = "kernel URL/linux console=ttyS0\ninitrd URL/initrd.gz\nboot"


def booted(
    script: str = UNNAMED,
    *,
    client: str = "ipxe-efi-x64",
    agent: str = OLD,
    linux: bytes = KERNEL,
    initrd: bytes = INITRD,
    files: Sequence[str] = ("initrd.gz",),
) -> Wire:
    """An iPXE with its script, its kernel and what else the script loads."""
    wire = Wire(client).lease(file=f"{BASE}/boot.ipxe")
    wire.fetch(1, "/boot.ipxe", body=f"#!ipxe\n{script}\n".replace("URL", BASE).encode(), agent=agent)
    wire.fetch(2, "/linux", body=linux, agent=agent)
    for number, name in enumerate(files):
        wire.fetch(3 + number, f"/{name}", body=initrd, agent=agent)
    return wire


def found(wire: Wire, path: Path, *, end: float = 90) -> Machine:
    return machine(read(wire.quiet(end).save(path / "x.pcap")))


@pytest.mark.parametrize(
    ("script", "why", "repaired"),
    [
        (UNNAMED, "its arguments do not name initrd.gz, as UEFI needs it", "console=ttyS0 initrd=initrd.gz"),
        (
            "kernel URL/linux mac=${net0/mac} ks=URL/${serial}.cfg\ninitrd URL/initrd.gz\nboot",
            "its arguments do not name initrd.gz, as UEFI needs it",
            f"mac=${{net0/mac}} ks={BASE}/${{serial}}.cfg initrd=initrd.gz",
        ),
        (
            "kernel URL/linux initrd=initrd.img quiet\ninitrd URL/initrd.gz\nboot",
            "its arguments name initrd.img, and the script loads initrd.gz",
            "quiet initrd=initrd.gz",
        ),
        (
            "kernel URL/linux initrd=initrd.gz\ninitrd --name root.img URL/root.gz\nboot",
            "its arguments name initrd.gz, and the script loads root.img",
            "initrd=root.img",
        ),
    ],
)
def test_an_old_ipxe_on_uefi_starts_a_kernel_without_its_initrd(
    script: str, why: str, repaired: str, tmp_path: Path
) -> None:
    seen = found(booted(script, files=("root.gz" if "--name" in script else "initrd.gz",)), tmp_path)
    assert (seen.boots[0].status, seen.boots[0].stalled_at) == ("stalled", "chain")
    (finding,) = seen.findings
    assert (finding.code, finding.severity, finding.confidence) == ("chain-initrd-not-named", "error", "likely")
    assert finding.summary == f"linux starts without its initrd: {why}"
    assert finding.fixes[0].text == f"kernel {BASE}/linux {repaired}"


@pytest.mark.parametrize("agent", ["iPXE/1.21.1+ (g6a004)", "iPXE/1.21.1+git-20240130", "curl/8"])
def test_where_ipxe_may_be_new_it_is_a_note(agent: str, tmp_path: Path) -> None:
    seen = found(booted(agent=agent), tmp_path)
    assert seen.boots[0].status == "handed-off"
    (finding,) = seen.findings
    assert (finding.code, finding.severity, finding.confidence) == ("chain-initrd-not-named", "note", "possible")


@pytest.mark.parametrize("agent", ["iPXE/1.20.1", "iPXE/1.21.1", "iPXE/1.21.1+git-20220113.fbbdc3926"])
def test_ages_that_the_user_agent_tells(agent: str, tmp_path: Path) -> None:
    assert errors(found(booted(agent=agent), tmp_path)) == {"chain-initrd-not-named"}


@pytest.mark.parametrize(
    "script",
    [
        "kernel URL/linux initrd=initrd.gz\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux initrd=initrd.magic\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux initrd=\\INITRD.gz\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux initrd=main\ninitrd --name main URL/initrd.gz\nboot",
        "kernel URL/linux initrd=main\ninitrd -n main URL/initrd.gz\nboot",
        "kernel URL/linux\ninitrd URL/initrd.gz\nimgargs linux initrd=initrd.gz\nboot",
        "set args initrd=initrd.gz\nkernel URL/linux ${args}\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux ${args}\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux initrd=${name}\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux quiet${more}\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux\ninitrd URL/initrd.gz\ngoto last\n:last\nimgargs linux initrd=initrd.gz\nboot",
        "kernel URL/linux || goto x\niseq ${platform} pcbios && initrd URL/initrd.gz ||\n:x\nboot",
        "kernel URL/linux\ngoto more\n:more\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux\ninitrd URL/initrd.gz\nimgselect linux\nboot",
    ],
)
def test_scripts_that_name_it_or_leave_it_open(script: str, tmp_path: Path) -> None:
    seen = found(booted(script), tmp_path)
    assert (seen.boots[0].status, seen.findings) == ("handed-off", ())


@pytest.mark.parametrize(
    "wire",
    [
        lambda: booted(client="ipxe-bios"),
        lambda: booted(agent=NEW),
        lambda: booted(linux=BIOS_KERNEL),
        lambda: booted().as_kind("os").lease(20),
        lambda: booted(initrd=b"").as_kind("os").lease(20),
        lambda: booted("kernel URL/linux\nboot", files=()),
        lambda: booted("kernel URL/linux initrd=x.img\ninitrd URL/initrd.gz\nboot", files=("x.img", "initrd.gz")),
        lambda: booted(linux=KERNEL[:0x210] + b"wimboot".ljust(64, b"\0") + KERNEL[0x257:]),
    ],
    ids=[
        "BIOS",
        "new iPXE",
        "no EFI stub",
        "system is up",
        "system is up all the same",
        "no initrd",
        "loaded by another script",
        "wimboot",
    ],
)
def test_boots_that_need_no_name(wire: object, tmp_path: Path) -> None:
    seen = found(wire(), tmp_path)  # type: ignore[operator]
    assert (seen.boots[0].status, seen.findings) == ("handed-off", ())


@pytest.mark.parametrize("client", ["ipxe-bios", "ipxe-efi-x64"])
@pytest.mark.parametrize("agent", [OLD, NEW])
def test_an_initrd_that_is_named_and_never_loaded(client: str, agent: str, tmp_path: Path) -> None:
    """As it would be in a configuration of PXELINUX."""
    script = "kernel URL/deb/linux initrd=initrd.gz quiet\nboot"
    wire = Wire(client).lease(file=f"{BASE}/boot.ipxe")
    wire.fetch(1, "/boot.ipxe", body=f"#!ipxe\n{script}\n".replace("URL", BASE).encode(), agent=agent)
    seen = found(wire.fetch(2, "/deb/linux", body=KERNEL, agent=agent), tmp_path)
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"chain-initrd-not-named"})
    (finding,) = seen.findings
    assert finding.summary == (
        "linux starts without its initrd: its arguments name initrd.gz, and the script loads no initrd"
    )
    assert finding.fixes[0].text == f"initrd {BASE}/deb/initrd.gz"


def test_a_misspelt_command_is_told_alone(tmp_path: Path) -> None:
    seen = found(booted("kernel URL/linux initrd=initrd.gz\nintrd URL/initrd.gz\nboot", files=()), tmp_path)
    assert errors(seen) == {"chain-script-stops"}


def test_an_initrd_that_another_part_of_the_script_loads(tmp_path: Path) -> None:
    script = "kernel URL/linux initrd=main\ngoto more\n:more\ninitrd --name main URL/initrd.gz\nboot"
    assert found(booted(script), tmp_path).findings == ()


def test_soon_after_the_last_file_nothing_is_said(tmp_path: Path) -> None:
    seen = found(booted(agent="iPXE/1.21.1+"), tmp_path, end=8)
    assert seen.findings == ()


def test_the_kernel_that_was_chosen_counts(tmp_path: Path) -> None:
    """Of a menu's entries one is wrong, and another one was started."""
    menu = (
        "menu x\nitem a a\nitem b b\nchoose --timeout 3000 --default a t && goto ${t}\n"
        ":a\nkernel URL/linux initrd=initrd.gz\ninitrd URL/initrd.gz\nboot\n"
        ":b\nkernel URL/rescue\ninitrd URL/initrd.gz\nboot"
    )
    assert found(booted(menu), tmp_path).findings == ()


@pytest.mark.parametrize("client", ["ipxe-efi-x64", "ipxe-bios"])
def test_an_empty_initrd(client: str, tmp_path: Path) -> None:
    script = "kernel URL/linux initrd=initrd.gz\ninitrd URL/initrd.gz\nboot"
    seen = found(booted(script, client=client, initrd=b""), tmp_path)
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"nbp-incomplete-file"})
    assert seen.findings[0].summary == f"{BASE}/initrd.gz is an empty file on {SERVER}"


def test_an_empty_initrd_of_grub(tmp_path: Path) -> None:
    seen = found(grub().fetch(4, "/linux", body=KERNEL).fetch(5, "/initrd.gz", body=b""), tmp_path)
    assert errors(seen) == {"nbp-incomplete-file"}


def test_an_empty_initrd_beside_another(tmp_path: Path) -> None:
    """Microcode may be left out; the system's own is there."""
    script = "kernel URL/linux initrd=initrd.magic\ninitrd URL/ucode.img\ninitrd URL/initrd.gz\nboot"
    wire = booted(script, files=()).fetch(3, "/ucode.img", body=b"", agent=OLD)
    assert found(wire.fetch(4, "/initrd.gz", body=INITRD, agent=OLD), tmp_path).findings == ()
