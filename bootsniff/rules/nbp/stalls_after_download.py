"""nbp-stalls-after-download; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Finding, Fix
from ...track.arrived import dead_end
from ...track.circles import kernel_again
from ...track.kinds import architecture, runs_u_boot
from ...track.naming import is_ipxe_binary
from ...track.records import FetchRecord
from ...wire import urls
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, named_in_script
from ..recognise import dnsmasq_match
from ..rule import Rule
from . import downloads

_NO_DISK = "; systemd-boot reads its entries from the disk it was started from, and the network is none"
_NO_DNS = (
    "; GRUB up to 2.06 finds no network when the lease names a name server (option 6), or lacks its http module, or "
    "Secure Boot refused it"
)


class NbpStallsAfterDownload(Rule):
    """The program arrived whole, and nothing more is heard of it.

    What happens
        The boot program is of the right kind and complete, yet it asks for nothing: it hangs, drives the network card badly,
        or was refused for a reason that packets do not show.
    On the wire
        The whole file, then no packet of the machine for more than half a minute, or the next boot option. Of a disk image:
        the next boot option within seconds, sooner than after a reset. Of PXELINUX' kernel: the same kernel and its RAM disks
        again and again, with nothing between them, since its menu's time runs out once more.
    Not to be confused with
        An unsigned program (nbp-secure-boot-refused), one for another processor (arch-wrong-efi-machine), and programs that
        need no network any more (memtest, a unified kernel image).
    Causes
        iPXE with all drivers (ipxe.efi) that takes the card with a driver that does not work; a signature by an unknown key;
        a damaged file. systemd-boot, which needs the disk with its entries ("Unable to open root directory"). A disk image without an EFI system partition, or whose loader Secure Boot refuses. GRUB that came over HTTP and was built without its http module (Debian's signed one), so that it
        ends at its prompt; or GRUB up to 2.06 over HTTP and a lease with a name server: the firmware puts a Dns() node into
        the path of the program, behind which GRUB does not find its network.
    Fix
        A unified kernel image, or GRUB or iPXE, instead of systemd-boot. Try snponly.efi (undionly.kpxe on BIOS), which use
        the firmware's own driver, or where the ROM's driver is the one that does not work, ipxe.pxe with iPXE's own
        drivers; compare the file's checksum. Serve GRUB over TFTP, or one with the http module; leave option 6 out for HTTP
        boot, with an address in the URL.
    Sources
        iPXE issues 1097 and 1776; netboot.xyz issue 1833; FOGProject issue 960; ltsp/community issue 125; systemd
        src/boot/efi/boot.c; lab captures.
    """

    code = "nbp-stalls-after-download"
    stage = "nbp"
    needs = "fetches"
    summary = "{file} arrived whole{signed}{then}{hint}"

    def check(self, case: Case) -> Iterator[Finding]:
        image = downloads.dropped_image(case)
        if image is not None:
            path = names.path_of(image)
            hint, expected, proof = _of_kernel(image) if runs_u_boot(case.client) else _of_image(case)
            yield self.finding(
                case,
                downloads.proof(case, image),
                confidence="likely",
                subject=image.flow.url,
                file=path,
                signed="",
                then=", and the firmware tries its next boot option at once",
                hint=hint,
                expected=expected,
                proof=proof,
            )
        yield from self._refused_kernel(case)
        fetch = downloads.idle_program(case) or downloads.idle_loader(case)
        if fetch is None or fetch.content is None:
            return
        lost = downloads.is_lost_with_dns(case, fetch)
        diskless = downloads.looks_for_its_disk(fetch)
        if fetch.content.signed is False and not (lost or diskless):
            return
        path = names.path_of(fetch)
        again = downloads.times_fetched(case, fetch)
        then = f"; the firmware fetched it {again} times" if again > 1 else ", and nothing more was heard of it"
        grub = downloads.is_grub_over_http(fetch)
        yield self.finding(
            case,
            downloads.proof(case, fetch),
            confidence="likely" if diskless else "possible",
            subject=fetch.flow.url,
            file=path,
            signed=" and is signed" if fetch.content.signed else "",
            then=then,
            hint=_hint(diskless=diskless, lost=lost, grub=grub),
            expected="The program's own requests.",
            proof="The machine's screen: a “grub>” prompt?" if grub else "What the machine's screen says.",
            fixes=_unified(case)
            if diskless
            else (*(_without_dns(case, fetch) if lost else ()), *(_grub(case, fetch) if grub else _fixes(case, path))),
        )

    def _refused_kernel(self, case: Case) -> Iterator[Finding]:
        """PXELINUX goes back to its menu when it cannot start a kernel."""
        kernel = kernel_again(case.stage) if case.failed_here else None
        if kernel is None or dead_end(case.stage) is not None:
            return
        path = names.path_of(kernel)
        turns = [fetch for fetch in case.stage.fetches if fetch.role == "kernel" and fetch.name == kernel.name]
        what = f" ({kernel.content.text})" if kernel.content is not None and kernel.content.kind != "unknown" else ""
        yield self.finding(
            case,
            [
                *named_in_script(case, path),
                evidence(turns[0].ended, f"{names.base(path)} is whole"),
                *(evidence(fetch.ended, "once more") for fetch in turns[1:4] if fetch.status == "complete"),
            ],
            confidence="likely",
            subject=kernel.flow.url,
            file=path,
            signed="",
            then=f"; PXELINUX fetched it {len(turns)} times",
            hint=f": it does not start it{what}, for its form or because it is damaged",
            expected="A kernel that PXELINUX starts, and then no more of PXELINUX.",
            proof="The machine's screen: “Booting kernel failed”?",
            fixes=(Fix("shell", f"file {quoting.shell(downloads.on_disk(kernel))}"),),
        )


def _of_image(case: Case) -> tuple[str, str, str]:
    """What it seems to lack, what should have come, and what would prove it."""
    return (
        ": it found nothing in the image that it can start",
        f"A boot from the image, by its {_default_program(case)}.",
        "The machine's screen; where Secure Boot is on, whether the image's loader is signed.",
    )


def _of_kernel(kernel: FetchRecord) -> tuple[str, str, str]:
    """The same for U-Boot, which says on its console what it has against a kernel (cmd/booti.c, cmd/bootz.c)."""
    what = f" ({kernel.content.text})" if kernel.content is not None else ""
    return (
        f": U-Boot does not start it{what}, for its architecture or its form",
        "A kernel for this machine's architecture, in the form that booti or bootz takes.",
        "The machine's serial console: “Bad Linux … Image magic!”?",
    )


def _without_dns(case: Case, fetch: FetchRecord) -> tuple[Fix, ...]:
    """No option 6 for this kind of client, and so no name in its URL."""
    match, tags = dnsmasq_match(case)
    flow, url = fetch.flow, urls.split(fetch.flow.url)
    lines = [*match, f"dhcp-option={tags},6"]
    if isinstance(flow, HttpExchange) and url is not None and urls.is_name(url.host):
        by_address = url._replace(host=flow.connection.server).text
        lines.append(f"dhcp-boot={tags},{quoting.field(by_address)}")
    return fixes.arrange(case, *fixes.dnsmasq(*lines))


def _unified(case: Case) -> tuple[Fix, ...]:
    """A kernel that firmware starts without a boot loader."""
    build = "ukify build --linux=vmlinuz --initrd=initrd.img --cmdline='root=… ip=dhcp' --output=uki.efi"
    offer = fixes.http_boot(case, fixes.example_url(case, "uki.efi")) if case.is_http else ()
    if not offer and case.dhcp4:
        offer = fixes.boot_file(case, "uki.efi")
    return (Fix("shell", f"# the file that DHCP names then: {build}"), *offer)


def _hint(*, diskless: bool, lost: bool, grub: bool) -> str:
    if diskless:
        return _NO_DISK
    if lost:
        return _NO_DNS
    return "; GRUB over HTTP needs its http module" if grub else ""


def _grub(case: Case, fetch: FetchRecord) -> tuple[Fix, ...]:
    """A GRUB that speaks HTTP; where the one that came is signed, Secure Boot may want that of the new one, too."""
    modules = "efinet net http tftp normal linux configfile"
    name = quoting.shell(names.base(names.path_of(fetch)))
    signed = fetch.content is not None and fetch.content.signed
    note = "# not signed: for Secure Boot sign it, or serve the one that is over TFTP\n" if signed else ""
    return (Fix("grub", f"{note}grub-mkimage -O {_format(case)} -p /grub -o {name} {modules}"),)


def _fixes(case: Case, path: str) -> tuple[Fix, ...]:
    if not is_ipxe_binary(path) or not case.dhcp4 or case.is_http:
        return ()
    name = names.base(path)
    if case.client == "bios-pxe":
        return fixes.boot_file(case, names.directory(path) + ("ipxe.pxe" if "undionly" in name else "undionly.kpxe"))
    return (
        fixes.boot_file(case, names.directory(path) + name.replace("ipxe", "snponly")) if "snponly" not in name else ()
    )


def _default_program(case: Case) -> str:
    """What firmware starts in an image (UEFI specification, section 3.5.1.1)."""
    short = {"arm64": "AA64", "arm32": "ARM", "ia32": "IA32"}
    arch = architecture(case.firmware) or "x64"
    return rf"\EFI\BOOT\BOOT{short.get(arch, arch.upper())}.EFI"


def _format(case: Case) -> str:
    """GRUB's name of the platform."""
    arch = architecture(case.firmware) or "x64"
    return {"x64": "x86_64-efi", "ia32": "i386-efi", "arm32": "arm-efi"}.get(arch, f"{arch}-efi")
