"""Scenes of faults of boot programs, their chains and the operating system, and what looks like them."""

from __future__ import annotations

from collections.abc import Callable

from bootsniff.track.records import Expectation, InitrdLeftOut
from bootsniff.wire.script_plan import LeftOut
from bootsniff.wire.transfers import BootContent

from .scene import IPXE_BIN, PE_ARM64, PE_X64, PE_X64_SIGNED, SCRIPT, SERVER, TEXT, Scene

LINUX = BootContent("linux-kernel", "Linux kernel, x86", 0x8664, signed=False, efi=True)
GZIP = BootContent("gzip", "gzip data")
CUT_SHORT = BootContent("pe", "EFI application, x86-64", 0x8664, signed=False, efi=True, missing=9000)


def loaded(
    content: object = PE_X64, *, gave_up: bool = True, client: str = "efi-x64-pxe", file: str = "grubx64.efi"
) -> Scene:
    scene = Scene(client, at="nbp").lease(file=file)
    scene.tftp(1, file, "complete", content=content)  # type: ignore[arg-type]
    if gave_up:
        scene.stage("efi-x64-http")
        scene.discover(60)
    return scene


def script_stops(*, menu: bool = False) -> Scene:
    scene = Scene("ipxe-bios", at="chain").lease(file="http://192.168.122.1/menu.ipxe")
    scene.http(1, "http://192.168.122.1/menu.ipxe", content=SCRIPT)
    script = "http://192.168.122.1/menu.ipxe"
    named = Expectation("http://192.168.122.1/linux", "kernel", script, scene.at(1.6))
    scene.here.expectations = (named,)
    scene.here.menu = "menu of menu.ipxe" if menu else None
    return scene


def initrd_left_out(
    asked: str = "", *, client: str = "ipxe-efi-x64", agent: str = "iPXE/1.20.1", up: bool = False
) -> Scene:
    """A kernel with an EFI stub and an initrd, which the script's kernel line does not name."""
    script, scene = f"http://{SERVER}/menu.ipxe", Scene(client, at="chain").lease(file=f"http://{SERVER}/menu.ipxe")
    scene.http(1, script, content=SCRIPT)
    for second, name, role in ((2, "linux", "kernel"), (3, "initrd.gz", "initrd")):
        flow = scene.http(second, f"http://{SERVER}/{name}", role=role, content=LINUX if role == "kernel" else GZIP)  # type: ignore[arg-type]
        assert flow.request is not None
        flow.request.fields = (*flow.request.fields, ("User-Agent", agent))
    told = LeftOut(f"http://{SERVER}/linux", f"initrd={asked}" if asked else "quiet", asked, "initrd.gz")
    scene.here.left_out = (InitrdLeftOut(told.kernel, scene.at(1.5), script, told),)
    if up:
        scene.stage("os")
        scene.lease(20)
    return scene


def ipxe_loop(turns: int = 2) -> Scene:
    scene = Scene(at="chain").lease(file="ipxe.efi")
    scene.tftp(1, "ipxe.efi", "complete", content=IPXE_BIN)
    for turn in range(turns):
        scene.stage("ipxe-efi-x64")
        scene.lease(10 * turn + 10, file="ipxe.efi")
        scene.tftp(10 * turn + 11, "ipxe.efi", "complete", content=IPXE_BIN)
    return scene


def nothing_to_boot() -> Scene:
    scene = Scene(at="chain").lease(file="ipxe.efi")
    scene.tftp(1, "ipxe.efi", "complete", content=IPXE_BIN)
    scene.stage("ipxe-efi-x64")
    return scene.lease(10)


def searched(found: bool = False) -> Scene:
    scene = Scene("bios-pxe", at="chain").lease(file="pxelinux.0")
    scene.tftp(1, "pxelinux.0", "complete")
    scene.stage("pxelinux", dhcp=False)
    names = ["01-52-54-00-89-32-47", "C0A87AE3", "C0A87AE", "default"]
    for number, name in enumerate(names):
        hit = found and name == "default"
        scene.tftp(
            2 + number,
            f"pxelinux.cfg/{name}",
            "complete" if hit else "optional",
            role="config-search",
            error=None if hit else 1,
        )
    return scene


def module_missing(found: bool = False) -> Scene:
    scene = Scene("bios-pxe", at="chain").lease(file="boot/pxelinux.0")
    scene.tftp(1, "boot/pxelinux.0", "complete")
    scene.stage("pxelinux", dhcp=False)
    scene.tftp(2, "boot/ldlinux.c32", "failed", role="module", error=1)
    scene.tftp(
        3, "boot/isolinux/ldlinux.c32", "complete" if found else "failed", role="module", error=None if found else 1
    )
    return scene


def shim(*, file: str | None = None, option67: str | None = "efi-x64/shim.efi", asked: str = "grubx64.efi") -> Scene:
    scene = Scene(at="chain").lease(file=file, option67=option67)
    scene.tftp(1, "efi-x64/shim.efi", "complete", content=PE_X64_SIGNED)
    scene.stage("shim", dhcp=False)
    scene.tftp(3, asked, "failed", role="other", error=1, text="File not found")
    return scene


def uboot(file: str | None = "uboot/boot.conf", asked: str = "boot.scr.uimg") -> Scene:
    scene = Scene("u-boot-armv8", at="tftp").lease(file=file)
    scene.tftp(1, asked, "failed", role="config-search", error=1)
    return scene


def by_nfs(*seconds: float, registered: bool | None = None) -> Scene:
    scene = Scene("u-boot-armv8", at="chain").lease(file="boot.scr.uimg")
    scene.tftp(1, "boot.scr.uimg", "complete")
    scene.port_lookup(*seconds, registered=registered)
    return scene


def found_in_the_end() -> Scene:
    scene = by_nfs(3, registered=False)
    scene.port_lookup(4, registered=True)
    return scene


def kernel_runs(status: str = "stalled") -> Scene:
    scene = Scene("ipxe-efi-x64", status=status, at="os").lease(file="menu.ipxe")  # type: ignore[arg-type]
    scene.tftp(1, "menu.ipxe", "complete", content=SCRIPT)
    scene.stage("os")
    return scene


def os_dhcp() -> Scene:
    return kernel_runs().discover(60, 64, 72, 88)


def kickstart(path: str = "ks.cfg") -> Scene:
    scene = kernel_runs().lease(60)
    scene.http(70, f"http://192.168.122.1/{path}", "failed", code=404, role="os")
    return scene


def grub_over(kind: str) -> Scene:
    scene = Scene(kind, at="chain").lease(file="http://192.168.122.1/grubx64.efi", option60="HTTPClient:x")
    scene.http(1, "http://192.168.122.1/grubx64.efi", content=PE_X64_SIGNED)
    scene.stage("grub", dhcp=False)
    scene.tftp(3, "/grub/grub.cfg", role="script", requests=4)
    return scene


def texts(client: str = "ipxe-efi-x64", content: BootContent = TEXT, **settings: object) -> Scene:
    """A program was given a text."""
    scene = Scene(client, at="chain").lease(file="menu.ipxe")
    flow = scene.tftp(1, "menu.ipxe", "complete", content=content, **settings)  # type: ignore[arg-type]
    flow.body.head = b"kernel /linux\nboot\n"
    return scene


def text_then_script() -> Scene:
    scene = texts()
    scene.tftp(5, "menu.ipxe", "complete", content=SCRIPT)
    return scene


FAULTS: dict[str, Callable[[], Scene]] = {
    "chain-text-instead-of-program": texts,
    "nbp-secure-boot-refused": loaded,
    "chain-script-stops": script_stops,
    "chain-nfs-unreachable": lambda: by_nfs(3, registered=False),
    "nbp-packed-file": lambda: loaded(GZIP),
    "nbp-incomplete-file": lambda: loaded(CUT_SHORT),
    "nbp-stalls-after-download": lambda: loaded(PE_X64_SIGNED),
    "chain-ipxe-loop": ipxe_loop,
    "chain-ipxe-nothing-to-boot": nothing_to_boot,
    "chain-no-config-found": searched,
    "chain-pxelinux-module-missing": module_missing,
    "chain-shim-wrong-path": shim,
    "chain-uboot-bootfile-env": uboot,
    "chain-uboot-no-serverip": lambda: Scene("u-boot-armv8", at="chain").lease(file="x", next_server=None),
    "chain-grub-thinks-tftp": lambda: grub_over("efi-x64-http"),
    "chain-initrd-not-named": initrd_left_out,
    "os-redhcp-fails": os_dhcp,
    "os-config-fetch-failed": kickstart,
}


def normal_chain() -> Scene:
    scene = Scene(status="handed-off", at=None).lease(file="ipxe.efi")
    scene.tftp(1, "ipxe.efi", "complete", content=IPXE_BIN)
    scene.stage("ipxe-efi-x64")
    scene.lease(10, file="http://192.168.122.1/menu.ipxe")
    scene.http(11, "http://192.168.122.1/menu.ipxe", content=SCRIPT)
    return scene


def newer_ipxe() -> Scene:
    """A ROM's iPXE loads a newer one, which goes on."""
    scene = Scene("ipxe-efi-x64", status="in-progress", at=None).lease(file="ipxe.efi")
    scene.tftp(1, "ipxe.efi", "complete", content=IPXE_BIN)
    scene.stage("ipxe-efi-x64")
    scene.lease(10, file="menu.ipxe")
    scene.tftp(11, "menu.ipxe", "complete", content=SCRIPT)
    return scene


def uboot_asks_for_it() -> Scene:
    return uboot("boot.scr.uimg")


def quiet_os() -> Scene:
    return kernel_runs("handed-off")


def healthy_shim() -> Scene:
    scene = Scene(status="handed-off", at=None).lease(file="efi-x64/shim.efi")
    scene.tftp(1, "efi-x64/shim.efi", "complete", content=PE_X64_SIGNED)
    scene.stage("shim", dhcp=False)
    scene.tftp(2, "efi-x64/revocations.efi", "optional", role="optional", error=1)
    scene.tftp(3, "efi-x64/grubx64.efi", "complete", role="other", content=PE_X64_SIGNED)
    return scene


def kickstart_then_more() -> Scene:
    scene = kernel_runs("handed-off").lease(60)
    scene.http(70, "http://192.168.122.1/images/updates.img", "failed", code=404, role="os")
    scene.http(71, "http://192.168.122.1/Packages/a.rpm", role="os")
    return scene


LOOKALIKES = [
    ("nbp-stalls-after-download", "it is not signed", lambda: loaded(PE_X64)),
    ("nbp-stalls-after-download", "it is for another processor", lambda: loaded(PE_ARM64)),
    ("chain-nfs-unreachable", "a server that has it", lambda: by_nfs(3, registered=True)),
    ("chain-nfs-unreachable", "the next version", found_in_the_end),
    ("chain-nfs-unreachable", "a question that was lost", lambda: by_nfs(3)),
    ("chain-script-stops", "a menu", lambda: script_stops(menu=True)),
    ("chain-text-instead-of-program", "a script", lambda: texts(content=SCRIPT)),
    ("chain-text-instead-of-program", "data for a script", lambda: texts(role="initrd")),
    ("chain-text-instead-of-program", "an optional extra", lambda: texts(role="optional")),
    ("chain-text-instead-of-program", "something came after it", text_then_script),
    ("chain-text-instead-of-program", "the operating system's own text", lambda: texts("os")),
    ("chain-grub-thinks-tftp", "GRUB that came by TFTP", lambda: grub_over("efi-x64-pxe")),
    ("nbp-secure-boot-refused", "a program for another processor", lambda: loaded(PE_ARM64)),
    ("nbp-secure-boot-refused", "a program that was cut short", lambda: loaded(CUT_SHORT)),
    ("nbp-packed-file", "U-Boot's kernel", lambda: loaded(GZIP, client="u-boot-armv8", file="Image.gz")),
    ("nbp-incomplete-file", "a whole program", loaded),
    ("nbp-secure-boot-refused", "a signed program", lambda: loaded(PE_X64_SIGNED)),
    ("nbp-secure-boot-refused", "a program that went on", normal_chain),
    ("chain-ipxe-loop", "the firmware's iPXE gets a script", normal_chain),
    ("chain-ipxe-loop", "a ROM's iPXE loads a newer one", newer_ipxe),
    (
        "chain-ipxe-nothing-to-boot",
        "a ROM's own iPXE: the DHCP server names no file",
        lambda: Scene("ipxe-bios").lease(),
    ),
    ("chain-no-config-found", "the last name is found", lambda: searched(found=True)),
    ("chain-pxelinux-module-missing", "it lies in a directory below", lambda: module_missing(found=True)),
    (
        "chain-shim-wrong-path",
        "the loader is missing in the right directory",
        lambda: shim(asked="efi-x64/grubx64.efi"),
    ),
    ("chain-shim-wrong-path", "shim's extras are missing", healthy_shim),
    ("chain-uboot-bootfile-env", "it asks for the named file", uboot_asks_for_it),
    (
        "chain-uboot-no-serverip",
        "siaddr is there",
        lambda: Scene("u-boot-armv8", at="chain").lease(file="x", next_server=SERVER),
    ),
    ("chain-initrd-not-named", "iPXE on BIOS", lambda: initrd_left_out(client="ipxe-bios")),
    ("chain-initrd-not-named", "a new iPXE", lambda: initrd_left_out(agent="iPXE/2.0.0")),
    ("chain-initrd-not-named", "the system is up", lambda: initrd_left_out(up=True)),
    ("os-redhcp-fails", "a system that does not use the network", quiet_os),
    ("os-config-fetch-failed", "what an installer does without", kickstart_then_more),
]
