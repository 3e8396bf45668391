"""What can be made of files that came whole: kernels, RAM disks, images, and what no program can start; pure functions."""

from __future__ import annotations

from ..flow.records import HttpExchange, TcpConnection, TftpTransfer
from ..wire import ports
from ..wire.content import COMPRESSED, RAM_DISKS
from .boot_file import boot_file_of
from .kinds import architecture, is_http_client, is_ipxe, is_u_boot, runs_u_boot
from .naming import plain_path
from .patience import IMAGE_TRIED
from .records import FetchRecord, StageRecord
from .switches import is_switch

_TEXTS = ("text", "html", "grub-config", "pxelinux-config")
_ARCHIVES = frozenset({"archive", "squashfs"})
_PACKED = COMPRESSED | _ARCHIVES | {"cpio"}
_BOOT_TYPES = ("application/efi", "application/vnd.efi-iso", "application/vnd.efi-img")
_BOOT_SUFFIXES = (".efi", ".iso", ".img")
"""By which HTTP boot firmware knows a boot image (UEFI specification section 24.7.3.1)."""
_UBOOT_SCRIPTS = (".scr", ".uimg")
"""What U-Boot hands to `source`, which wants an image around the text (include/config_distro_bootcmd.h)."""
MACHINES = {
    "ia32": (0x014C,),
    "x64": (0x8664,),
    "arm32": (0x01C0, 0x01C2, 0x01C4),
    "arm64": (0xAA64,),
    "riscv32": (0x5032,),
    "riscv64": (0x5064,),
    "riscv128": (0x5128,),
    "loongarch32": (0x6232,),
    "loongarch64": (0x6264,),
}
"""PE machine types (Microsoft PE format, machine types) by the word of our client kinds."""
BYTE_CODE = 0x0EBC
"""The machine type of EFI byte code, which is for every processor."""
_FAMILIES = {"ia32": "x86", "x64": "x86", "arm32": "arm", "arm64": "arm64", "riscv32": "riscv", "riscv64": "riscv",
             "riscv128": "riscv", "loongarch32": "loongarch", "loongarch64": "loongarch"}  # fmt: skip
"""Families of processors, by the same word."""
_FAMILY_OF = {machine: _FAMILIES[word] for word, machines in MACHINES.items() for machine in machines}
_ERROR_PAGE = 16 * 1024
"""Bytes of an encrypted answer that may still be an error; boot programs are larger."""


def is_web_page(fetch: FetchRecord) -> bool:
    """A page for people that came over HTTP: no boot program can use it, whatever it asked for."""
    return fetch.content is not None and fetch.content.kind == "html" and not isinstance(fetch.flow, TftpTransfer)


def is_mere_text(stage: StageRecord, fetch: FetchRecord) -> bool:
    """A text that this program was to start and cannot: iPXE knows a script by its first line (image/script.c).

    A BIOS ROM jumps into any file, into an iPXE script as well. What is fetched as data (`imgfetch`, files for
    wimboot) may be a text.
    """
    content, role = fetch.content, fetch.role
    if content is None or is_web_page(fetch):
        return False
    if stage.client == "bios-pxe":
        return role == "boot-file" and content.kind in (*_TEXTS, "ipxe-script")
    if is_ipxe(stage.client):
        if role in ("boot-file", "config-search"):
            return content.kind in _TEXTS
        named = role == "other" and plain_path(fetch.name).lower().endswith(".ipxe")
        return content.kind in ("text", "html") and (role in ("script", "kernel") or named)
    if is_u_boot(stage.client) and plain_path(fetch.name).lower().endswith(_UBOOT_SCRIPTS):
        return content.kind == "text"
    return stage.client in ("grub", "pxelinux") and role == "kernel" and content.kind in ("text", "html")


def is_no_efi_program(stage: StageRecord, fetch: FetchRecord) -> bool:
    """What DHCP named for UEFI's PXE, and what is no PE program: nothing else is started (edk2 DxeCore LoadImage).

    HTTP boot takes disk images, too.
    """
    if not stage.client.startswith("efi-") or is_http_client(stage.client) or fetch.role != "boot-file":
        return False
    if fetch.content is None or fetch.content.kind == "linux-kernel":
        return False
    head = fetch.flow.body.head
    return len(head) >= 2 and not head.startswith(b"MZ")


def is_empty(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Something to start or to read that came without a single byte: not an answer to a switch that only says hello."""
    if is_switch(stage) and boot_file_of(stage) is None:
        return False
    wanted = fetch.role in ("boot-file", "kernel", "script") or (stage.client == "unknown" and fetch.role == "other")
    return wanted and fetch.content is not None and fetch.content.kind == "empty"


def is_no_boot_type(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Whether HTTP boot firmware cannot tell that this is a boot image (edk2 HttpBootSupport.c, HttpBootCheckImageType)."""
    flow = fetch.flow
    if not is_http_client(stage.client) or isinstance(flow, TftpTransfer) or fetch.role != "boot-file":
        return False
    head = flow.response
    if head is None or head.status != 200 or flow.request is None:
        return False
    if head.media_type in _BOOT_TYPES or (not head.media_type and head.cut):
        return False
    return not flow.url.split("?", 1)[0].split("#", 1)[0].lower().endswith(_BOOT_SUFFIXES)


def part_asked(exchange: HttpExchange) -> str | None:
    """The part of a file that a request asks for (RFC 9110 section 14.2); from the first byte to the last is no part."""
    wanted = exchange.request.get("range") if exchange.request else None
    return None if wanted is None or wanted.replace(" ", "") == "bytes=0-" else wanted


def is_not_the_part(stage: StageRecord, fetch: FetchRecord) -> bool:
    """Whether HTTP boot firmware asked for the rest of a file and was sent all of it, which it refuses (edk2 HttpBootClient.c)."""
    flow = fetch.flow
    if not is_http_client(stage.client) or isinstance(flow, TftpTransfer) or flow.response is None:
        return False
    return flow.response.status == 200 and part_asked(flow) is not None


def is_packed(stage: StageRecord, fetch: FetchRecord) -> bool:
    """A compressed file or an archive that DHCP named for a program that starts programs only.

    Or that PXELINUX is to start as a kernel: it wants the boot sector's signature in it (com32 syslinux/load_linux.c).
    An archive is no kernel for any program.
    """
    if fetch.content is None or fetch.content.kind not in _PACKED:
        return False
    if fetch.role == "kernel":
        return stage.client == "pxelinux" or fetch.content.kind in _ARCHIVES
    starts_programs = stage.client.startswith("efi-") or stage.client == "bios-pxe" or is_ipxe(stage.client)
    return starts_programs and fetch.role == "boot-file"


def is_cut_short(fetch: FetchRecord) -> bool:
    """A program or a kernel of which the server has only the beginning: it came whole as it is, and crashes or is refused."""
    return fetch.content is not None and fetch.content.missing > 0


def is_foreign_kernel(stage: StageRecord, fetch: FetchRecord) -> bool:
    """A kernel for processors of another family; of x86, GRUB starts 32 bits from 64 and the other way round."""
    content = fetch.content
    if content is None or content.kind != "linux-kernel":
        return False
    wanted = _FAMILIES.get(architecture(stage.firmware) or "")
    own = _FAMILY_OF.get(content.machine or 0)
    return wanted is not None and own is not None and own != wanted


def is_foreign_program(stage: StageRecord, fetch: FetchRecord) -> bool:
    """An EFI program that DHCP named for BIOS, or for UEFI of another processor, or for iPXE there.

    UEFI refuses it before it runs, whatever it is (UEFI specification section 7.4.1, LoadImage: EFI_UNSUPPORTED).
    """
    content, client = fetch.content, stage.client
    if content is None or content.kind != "pe" or fetch.role != "boot-file" or runs_u_boot(client):
        return False
    if client in ("bios-pxe", "ipxe-bios"):
        return content.efi
    wanted = MACHINES.get(architecture(client) or "")
    return wanted is not None and content.machine not in (None, BYTE_CODE, *wanted)


def never_started(stage: StageRecord) -> FetchRecord | None:
    """The kernel that an iPXE script loads and does not start: it ends there, or at a command that there is not."""
    if stage.idle_script is None or stage.idle_script.starts:
        return None
    return next((fetch for fetch in reversed(stage.fetches) if fetch.role == "kernel"), None)


def dead_end(stage: StageRecord) -> FetchRecord | None:
    """The latest thing that came whole and cannot be started, with nothing after it but initial RAM disks."""
    for fetch in reversed(stage.fetches):
        if not fetch.useful:
            continue
        if fetch.status == "complete" and (
            is_web_page(fetch)
            or is_mere_text(stage, fetch)
            or is_empty(stage, fetch)
            or is_packed(stage, fetch)
            or is_cut_short(fetch)
            or is_no_efi_program(stage, fetch)
            or is_foreign_kernel(stage, fetch)
            or is_foreign_program(stage, fetch)
            or fetch is never_started(stage)
        ):
            return fetch
        if not is_initrd(fetch):
            return None
    return None


def is_vague(fetch: FetchRecord) -> bool:
    """A page that nobody said would be started: a script may have reported something."""
    return is_web_page(fetch) and fetch.role == "other"


def is_kernel(fetch: FetchRecord) -> bool:
    """A unified kernel image is one too, with its initrd inside."""
    content = fetch.content
    return fetch.role == "kernel" or (
        content is not None and (content.kind == "linux-kernel" or "unified kernel image" in content.details)
    )


def is_initrd(fetch: FetchRecord) -> bool:
    if fetch.role == "initrd":
        return True
    return fetch.role == "other" and fetch.content is not None and fetch.content.kind in RAM_DISKS


def is_image(fetch: FetchRecord) -> bool:
    return fetch.role == "image" or (fetch.content is not None and fetch.content.kind == "iso")


def is_companion(fetch: FetchRecord) -> bool:
    """A device tree, which boards fetch before or after their kernel."""
    return fetch.content is not None and fetch.content.kind == "fdt"


def loaded_system(stage: StageRecord) -> bool:
    """Whether a loader that is known no further fetched a system: several things beyond itself, no texts, the last one whole.

    So it is with mboot of ESXi, the loaders of Windows and of the BSDs. What DHCP named and nothing else is none.
    """
    useful = [fetch for fetch in stage.fetches if fetch.useful]
    if not useful or useful[-1].status != "complete" or dead_end(stage) is not None:
        return False
    parts = [fetch for fetch in useful if fetch.status == "complete" and fetch.role in ("other", "kernel", "initrd")]
    return sum(fetch.content is None or fetch.content.kind not in _TEXTS for fetch in parts) >= 2


def dropped_image(stage: StageRecord, time: int) -> FetchRecord | None:
    """The disk image that HTTP boot firmware fetched last, or U-Boot's kernel, when being back at `time` shows that it did not start.

    Firmware that finds nothing to start tries its next option at once; a reset takes longer.
    """
    image = stage.fetches[-1] if stage.fetches else None
    if image is None or time - image.end >= IMAGE_TRIED:
        return None
    if is_http_client(stage.client):
        return image if is_image(image) else None
    return image if runs_u_boot(stage.client) and (is_kernel(image) or is_initrd(image)) else None


def network_disk(stage: StageRecord) -> TcpConnection | None:
    """The newest connection to an iSCSI target that this program opened after everything that it fetched.

    Of several an open one: of more paths to a disk, one does (ipxe.org/cmd/sanboot).
    """
    since = stage.fetches[-1].start if stage.fetches else 0
    found = None
    for connection in reversed(stage.connections):
        if connection.server_port == ports.ISCSI and connection.established and connection.start >= since:
            if is_open(connection):
                return connection
            found = found or connection
    return found


def unread(stage: StageRecord, last: FetchRecord) -> TcpConnection | None:
    """A connection after the last fetch on which something came that is not read here: NFS, FTP, HTTP that a snap length cut."""
    for connection in reversed(stage.connections):
        if connection.start < last.end:
            break
        if connection.server_port == ports.ISCSI and not is_open(connection):
            continue  # it would have kept a disk
        unknown = not connection.exchange_count and connection.tls is None
        if unknown and connection.established and not connection.reset and _brought_something(connection):
            return connection
    return None


def _brought_something(connection: TcpConnection) -> bool:
    """Whether its server sent more than the SYN-ACK."""
    return connection.last_from_server not in (None, connection.syn_ack, connection.syn_ack_again)


def over_tls(stage: StageRecord) -> TcpConnection | None:
    """The connection after the last fetch on which something came encrypted; what it was nobody can read here.

    Of a capture that holds the machine's own packets only, the encrypted requests are the sign of it.
    """
    last = stage.fetches[-1].start if stage.fetches else 0
    for connection in reversed(stage.connections):
        if connection.start < last:
            break
        tls = connection.tls
        if tls is None or tls.refused:
            continue
        if tls.asked and (tls.application_bytes_from_server > 0 or connection.last_from_server is None):
            return connection
    return None


def brought_file(connection: TcpConnection) -> bool:
    """Whether what came over TLS is more than the status line and the page of an error."""
    tls = connection.tls
    return tls is not None and tls.application_bytes_from_server > _ERROR_PAGE


def is_open(connection: TcpConnection) -> bool:
    return not (connection.reset or connection.fin_from_client or connection.fin_from_server)
