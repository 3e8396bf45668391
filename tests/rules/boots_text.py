"""Whole boots as packets in which a text comes where something to start should, and texts that are none of these."""

from __future__ import annotations

from collections.abc import Callable

from .boots import INITRD, KERNEL, PXELINUX, SCRIPT, started
from .boots_web import GRUB_CONFIG, PAGE
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

JSON = b'{"status": "unknown machine", "mac": "52:54:00:89:32:47"}\n'
NO_MAGIC = b"kernel http://192.168.122.1/linux\ninitrd http://192.168.122.1/initrd.gz\nboot\n"
PXELINUX_CONFIG = b"DEFAULT x\nLABEL x\n LINUX linux\n APPEND initrd=initrd.gz\n"
VARIABLES = (
    b"#!ipxe\nset base http://${next-server}\nchain --autofree ${base}/boot/${net0/mac:hexhyp}.php?s=${serial}\n"
)
KERNELS = b"#!ipxe\nkernel ${base}/linux quiet\ninitrd ${base}/initrd.gz\nboot\n"
MENU = b"#!ipxe\nmenu Choose\nitem a A\nchoose target && chain http://192.168.122.1/${target}.php || shell\n"
DATA = b"#!ipxe\nimgfetch http://192.168.122.1/facts.json facts\nshell\n"
WIMBOOT = (
    b"#!ipxe\nkernel http://192.168.122.1/wimboot\ninitrd http://192.168.122.1/winpeshl.ini winpeshl.ini\n"
    b"initrd http://192.168.122.1/boot.wim boot.wim\nboot\n"
)
IPXE_AGENT = "iPXE/1.21.1"
SECURE = b"#!ipxe\nkernel https://192.168.122.1/linux\ninitrd https://192.168.122.1/initrd.gz\nboot\n"
SECURE_RAM_DISK = b"#!ipxe\nkernel http://192.168.122.1/linux\ninitrd https://192.168.122.1/initrd.gz\nboot\n"
SECURE_FIRST = b"#!ipxe\nkernel https://192.168.122.1/linux || kernel http://192.168.122.1/linux.http\nboot\n"


def web(body: bytes, *, client: str = "ipxe-efi-x64", path: str = "/menu.ipxe", end: float = 60) -> Callable[[], Wire]:
    """IPXE fetches what DHCP named."""

    def made() -> Wire:
        wire = Wire(client).lease(file=f"http://{SERVER}{path}")
        return wire.fetch(1, path, body=body, agent=IPXE_AGENT).quiet(end)

    return made


def tftp(body: bytes, *, client: str = "ipxe-bios", name: str = "menu.ipxe") -> Callable[[], Wire]:
    return lambda: Wire(client).lease(file=name).get(1, name, body).quiet(60)


def scripted(script: bytes, *fetches: tuple[str, bytes]) -> Callable[[], Wire]:
    """IPXE gets its script, then other things one after the other."""

    def made() -> Wire:
        wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/menu.ipxe")
        wire.fetch(1, "/menu.ipxe", body=script, agent=IPXE_AGENT)
        for number, (path, body) in enumerate(fetches):
            wire.fetch(2 + number, path, body=body, agent=IPXE_AGENT)
        return wire.quiet(120)

    return made


def pxelinux_kernel() -> Wire:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "ldlinux.c32", b"\x7fELF" + b"\0" * 4000).get(3, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(4, "linux", b"this was a kernel once\n").get(5, "initrd.gz", INITRD).quiet(90)


def secure(script: bytes) -> Callable[[], Wire]:
    """A script with https in it; a handshake comes of it, and the server turns it down."""
    return lambda: scripted(script)().tls(3, SERVER, 40).quiet(120)


def embedded() -> Wire:
    """An iPXE with a script inside chains a file whose name says what it should be."""
    return Wire("ipxe-bios").lease().fetch(1, "/boot/start.ipxe", body=NO_MAGIC, agent=IPXE_AGENT).quiet(60)


TEXT = "chain-text-instead-of-program"
FAULTS: dict[str, Case] = {
    f"{TEXT}, no first line": Case(web(NO_MAGIC), TEXT, ("chain",)),
    f"{TEXT}, a short capture": Case(web(NO_MAGIC, end=20), TEXT, ("chain",)),
    f"{TEXT}, JSON": Case(web(JSON, path="/api/boot"), TEXT, ("chain",)),
    f"{TEXT}, a byte order mark": Case(web(b"\xef\xbb\xbf" + SCRIPT), TEXT, ("chain",)),
    f"{TEXT}, a blank line": Case(web(b"\n" + SCRIPT), TEXT, ("chain",)),
    f"{TEXT}, TFTP": Case(tftp(NO_MAGIC), TEXT, ("chain",)),
    f"{TEXT}, a page over TFTP": Case(tftp(PAGE), TEXT, ("chain",)),
    f"{TEXT}, GRUB's configuration": Case(web(GRUB_CONFIG, path="/grub.cfg"), TEXT, ("chain",)),
    f"{TEXT}, PXELINUX' configuration": Case(tftp(PXELINUX_CONFIG, name="default"), TEXT, ("chain",)),
    f"{TEXT}, chained": Case(
        scripted(b"#!ipxe\nchain http://192.168.122.1/x.php\n", ("/x.php", JSON)), TEXT, ("chain",)
    ),
    f"{TEXT}, chained by variables": Case(
        scripted(VARIABLES, ("/boot/52-54-00-89-32-47.php?s=1", JSON)), TEXT, ("chain",)
    ),
    f"{TEXT}, kernel": Case(scripted(SCRIPT, ("/linux", JSON), ("/initrd.gz", INITRD)), TEXT, ("chain",)),
    f"{TEXT}, kernel by variables": Case(scripted(KERNELS, ("/linux", JSON)), TEXT, ("chain",)),
    f"{TEXT}, PXELINUX' kernel": Case(pxelinux_kernel, TEXT, ("chain",)),
    f"{TEXT}, from a menu": Case(scripted(MENU, ("/debian.php", JSON)), TEXT, ("chain",)),
    f"{TEXT}, a script inside iPXE": Case(embedded, TEXT, ("chain",)),
    f"{TEXT}, a script for the ROM": Case(tftp(SCRIPT, client="bios-pxe"), TEXT, ("nbp",)),
    f"{TEXT}, a menu for the ROM": Case(tftp(MENU, client="bios-pxe"), TEXT, ("nbp",)),
    "tls-unsupported, the first line of a script": Case(scripted(SECURE), "tls-unsupported", ("tls", "chain")),
    "tls-unsupported, behind a file over http": Case(
        scripted(SECURE_RAM_DISK, ("/linux", KERNEL)), "tls-unsupported", ("tls", "chain")
    ),
    "https in a script, and a handshake that fails": Case(secure(SECURE), "tls-cipher", ("tls",)),
    "http-page-instead-of-file, chained by variables": Case(
        scripted(VARIABLES, ("/boot/52-54-00-89-32-47.php?s=1", PAGE)), "http-page-instead-of-file", ("http",)
    ),
    "http-page-instead-of-file, from a menu": Case(
        scripted(MENU, ("/debian.php", PAGE)), "http-page-instead-of-file", ("http",)
    ),
    "http-page-instead-of-file, kernel before a RAM disk": Case(
        scripted(SCRIPT, ("/linux", PAGE), ("/initrd.gz", INITRD)), "http-page-instead-of-file", ("http",)
    ),
}


def _autoexec() -> Wire:
    """EFI iPXE tries its optional script first; what it gets there is none, and it goes on."""
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/autoexec.ipxe", body=JSON, agent=IPXE_AGENT)
    wire.fetch(2, "/menu.ipxe", body=SCRIPT, agent=IPXE_AGENT).fetch(3, "/linux", body=KERNEL, agent=IPXE_AGENT)
    return wire.fetch(4, "/initrd.gz", body=INITRD, agent=IPXE_AGENT).quiet(90)


def _kickstart() -> Wire:
    wire = started(Wire("ipxe-bios")).lease(40)
    wire.fetch(50, "/ks.cfg", body=b"text\nlang en_US\n", agent="anaconda/38")
    return wire.fetch(52, "/user-data", body=b"#cloud-config\nhostname: x\n", agent="Cloud-Init/23").quiet(300)


def _registered_first() -> Wire:
    """A first answer in JSON, then the script after all."""
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/api/boot")
    wire.fetch(1, "/api/boot", body=JSON, agent=IPXE_AGENT).fetch(3, "/api/boot", body=SCRIPT, agent=IPXE_AGENT)
    wire.fetch(4, "/linux", body=KERNEL, agent=IPXE_AGENT)
    return wire.fetch(5, "/initrd.gz", body=INITRD, agent=IPXE_AGENT).quiet(90)


WINDOWS = b"MSWIM\0\0\0" + b"\1" * 9000
WIMBOOT_ITSELF = (b"\0" * 0x1FE + b"\x55\xaa" + b"\xeb\x66HdrS" + b"\0" * 64 + b"wimboot").ljust(8000, b"\0")

HEALTHY: dict[str, Callable[[], Wire]] = {
    "autoexec.ipxe is no script": _autoexec,
    "kickstart and cloud-init are texts": _kickstart,
    "JSON first, then the script": _registered_first,
    "files for wimboot": scripted(
        WIMBOOT, ("/wimboot", WIMBOOT_ITSELF), ("/winpeshl.ini", b"[LaunchApps]\nx.exe\n"), ("/boot.wim", WINDOWS)
    ),
    "a text as a RAM disk": scripted(SCRIPT, ("/linux", KERNEL), ("/initrd.gz", b"just a text\n")),
    "https, or else http": scripted(SECURE_FIRST, ("/linux.http", KERNEL)),
    "variables in every URL": scripted(KERNELS, ("/a/linux", KERNEL), ("/a/initrd.gz", INITRD)),
    "a script by variables": scripted(
        VARIABLES, ("/boot/52-54-00-89-32-47.php?s=1", SCRIPT), ("/linux", KERNEL), ("/initrd.gz", INITRD)
    ),
}

WAITING: dict[str, Callable[[], Wire]] = {
    "data for a script": scripted(DATA, ("/facts.json", JSON)),
    "a menu": scripted(MENU),
    "a page that was only fetched": scripted(b"#!ipxe\nshell\n", ("/report?mac=x", PAGE)),
}
"""Machines whose screens ask for something: no fault, and not booted."""
