"""Names for which a TFTP server has no file, for a reason that the name itself shows; files with nothing in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from .boots import SIGNED, give_up
from .packets import Wire, machine, read


def the_error(wire: Wire, path: Path) -> Finding:
    found = machine(read(give_up(wire).save(path)))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
    (finding,) = (finding for finding in found.findings if finding.severity == "error")
    return finding


@pytest.mark.parametrize(
    ("name", "hint", "mended"),
    [
        ("EFI\\grubx64.efi", "a backslash", "EFI/grubx64.efi"),
        ("Boot\\\\x64\\\\wdsnbp.com", "two backslashes", "Boot/x64/wdsnbp.com"),
        ("\\Boot\\x64\\wdsnbp.com", "a backslash", "/Boot/x64/wdsnbp.com"),
        ("/srv/tftp/efi/grubx64.efi", "a path of the server's disk", "efi/grubx64.efi"),
        ("/var/lib/tftpboot/grubx64.efi", "a path of the server's disk", "grubx64.efi"),
        ("/home/me/boot/grubx64.efi", "a path of the server's disk", "grubx64.efi"),
        ("grubx64.efi ", "a blank", "grubx64.efi"),
    ],
)
def test_the_fix_is_the_name_without_what_is_wrong_with_it(name: str, hint: str, mended: str, tmp_path: Path) -> None:
    finding = the_error(Wire().lease(file=name).missing(1, name), tmp_path / "x.pcap")
    assert finding.code == "tftp-file-not-found"
    assert hint in finding.summary
    fixes = {fix.target: fix.text for fix in finding.fixes}
    assert f",{mended},," in fixes["dnsmasq"]
    assert "tftp-lowercase" not in "".join(fixes.values())


@pytest.mark.parametrize("name", ["efi/grubx64.efi", "/efi/grubx64.efi", "/various/x.efi"])
def test_other_names_are_kept(name: str, tmp_path: Path) -> None:
    finding = the_error(Wire().lease(file=name).missing(1, name), tmp_path / "x.pcap")
    assert finding.summary.endswith(f"has no file {name}")


@pytest.mark.parametrize(("size", "code"), [(0, "nbp-incomplete-file"), (900, "tftp-option-negotiation-refused")])
def test_a_size_of_zero_is_why_uefi_asks_no_further(size: int, code: str, tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.01, tsize=size)
    wire.error(1.02, 8, "User aborted the transfer", by_client=True)
    finding = the_error(wire, tmp_path / "x.pcap")
    assert finding.code == code


def test_what_pxelinux_tries_for_a_label_is_one_missing_file(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0").get(1, "pxelinux.0", b"x" * 900).get(2, "ldlinux.c32", b"x" * 900)
    wire.get(3, "pxelinux.cfg/default", b"default install\n")
    for number, ending in enumerate((".c32", ".img", ".bss", ".bin", ".bs", ".0", "")):
        wire.missing(4 + number / 10, f"install{ending}")
    found = machine(read(wire.quiet(60).save(tmp_path / "x.pcap")))
    assert [(finding.code, finding.summary.endswith("no file install")) for finding in found.findings] == [
        ("tftp-file-not-found", True)
    ]


def test_grub_is_nothing_without_its_normal_mode(tmp_path: Path) -> None:
    """Made by grub-mknetdir it fetches every module; one that was built with all it needs asks for lists it can do without."""
    wire = Wire("ipxe-bios").lease(file="grub/i386-pc/core.0").get(1, "grub/i386-pc/core.0", b"x" * 900)
    stops = wire.missing(2, "/grub/i386-pc/normal.mod").save(tmp_path / "x.pcap")
    found = machine(read(stops))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
    assert [finding.code for finding in found.findings] == ["tftp-file-not-found"]
    whole = Wire("ipxe-bios").lease(file="grub/i386-pc/core.0").get(1, "grub/i386-pc/core.0", b"x" * 900)
    whole.missing(2, "/grub/i386-pc/command.lst").missing(3, "/grub/i386-pc/all_video.mod")
    found = machine(read(whole.save(tmp_path / "y.pcap")))
    assert (found.status, found.findings) == ("in-progress", ())


@pytest.mark.parametrize(
    ("name", "added"), [("ltsp/undionly.kpxe.0", True), ("EFI/x.efi.0", True), ("ltsp/pxelinux.0", False)]
)
def test_the_layer_that_an_old_dnsmasq_puts_behind_a_name(name: str, added: bool, tmp_path: Path) -> None:
    finding = machine(
        read(Wire("bios-pxe").lease(file=name).missing(1, name).quiet(90).save(tmp_path / "x.pcap"))
    ).findings[0]
    assert ("dnsmasq before 2.76" in finding.summary) is added
    copied = f"cp /srv/tftp/{name.removesuffix('.0')} /srv/tftp/{name}"
    assert (copied in [fix.text for fix in finding.fixes]) is added


@pytest.mark.parametrize(
    ("name", "odd"), [("grub/\N{REPLACEMENT CHARACTER}Onboard", True), ("grub/grubx64.efi", False)]
)
def test_what_shim_takes_from_the_boot_entry(name: str, odd: bool, tmp_path: Path) -> None:
    wire = Wire().lease(file="grub/shimx64.efi").get(1, "grub/shimx64.efi", SIGNED).missing(3, "grub/revocations.efi")
    finding = the_error(wire.missing(3.1, name), tmp_path / "x.pcap")
    assert finding.code == "tftp-file-not-found"
    assert ("boot entry" in finding.summary) is odd
    assert any("efibootmgr" in fix.text for fix in finding.fixes) is odd


@pytest.mark.parametrize(
    ("code", "text", "targets"),
    [
        (1, "file /pub/Linux not found for 192.168.122.227", {"dnsmasq"}),
        (1, "File not found", {"tftpd-hpa"}),
        (1, "", {"dnsmasq", "tftpd-hpa"}),
        (2, "cannot access /pub/Linux: Permission denied", {"shell", "dnsmasq"}),
        (2, "File must have global read permissions", {"shell", "tftpd-hpa"}),
        (2, "Only absolute filenames allowed", {"tftpd-hpa"}),
        (2, "Forbidden directory", {"tftpd-hpa"}),
    ],
)
def test_the_fix_is_for_the_server_whose_words_the_error_has(
    code: int, text: str, targets: set[str], tmp_path: Path
) -> None:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0").get(1, "pxelinux.0", b"x" * 900).get(2, "ldlinux.c32", b"x" * 900)
    wire.get(3, "pxelinux.cfg/default", b"default install\nlabel install\n  kernel Linux\n")
    wire.missing(4, "Linux", code=code, text=text)
    (finding,) = machine(read(wire.quiet(60).save(tmp_path / "x.pcap"))).findings
    assert {fix.target for fix in finding.fixes} == targets


def test_a_name_whose_case_is_wrong_is_looked_for_in_any_case(tmp_path: Path) -> None:
    finding = the_error(Wire().lease(file="EFI/BOOTX64.EFI").missing(1, "EFI/BOOTX64.EFI"), tmp_path / "x.pcap")
    (fix,) = (fix for fix in finding.fixes if fix.target == "tftpd-hpa")
    assert fix.text.startswith("find /srv/tftp/EFI/ -iname BOOTX64.EFI ")
    assert "tag:!ipxe,efi/bootx64.efi,," in next(
        fix.text for fix in finding.fixes if fix.target == "dnsmasq" and "boot" in fix.text
    )


def test_another_name_than_the_one_of_the_server_is_no_advice_for_ipxe(tmp_path: Path) -> None:
    """Its script may be called anything, and a missing one is missing under any name."""
    for kind, name, other in (("ipxe-bios", "win10.ipxe", ""), ("bios-pxe", "start.0", "pxelinux.0")):
        wire = Wire(kind).lease(file=name).missing(1, name)
        finding = machine(read(wire.quiet(90).save(tmp_path / f"{kind}.pcap"))).findings[0]
        assert finding.code == "tftp-file-not-found"
        texts = "".join(fix.text for fix in finding.fixes)
        assert "menu.ipxe" not in texts
        assert other in texts


def test_a_server_that_knows_backslashes_does_not_mind_the_case(tmp_path: Path) -> None:
    wire = Wire().lease(file="boot\\x64\\bootmgfw.efi").get(1, "boot\\x64\\bootmgfw.efi", SIGNED)
    finding = the_error(wire.missing(2, "\\Boot\\BCD"), tmp_path / "x.pcap")
    assert finding.summary.endswith("has no file \\Boot\\BCD")
    assert finding.fixes[0].target == "windows"
    assert finding.fixes[0].text.startswith("dir 'C:\\RemoteInstall\\Boot\\BCD' ")
    assert "-iname" not in "".join(fix.text for fix in finding.fixes)


def test_the_frame_that_names_a_file_holds_the_name(tmp_path: Path) -> None:
    """Not the ACK behind it, which ends the transfer."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0").get(1, "pxelinux.0", b"x" * 900).get(2, "ldlinux.c32", b"x" * 900)
    wire.get(3, "pxelinux.cfg/default", b"default install\nlabel install\n  kernel debian/linux\n")
    wire.missing(4, "debian/linux")
    (finding,) = machine(read(wire.quiet(60).save(tmp_path / "x.pcap"))).findings
    (named,) = (one for one in finding.evidence if "names debian/linux" in one.role)
    (frame,) = (frame for number, (_, frame) in enumerate(sorted(wire.packets), 1) if number == named.frame)
    assert b"kernel debian/linux" in frame
