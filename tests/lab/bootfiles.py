"""The tree of boot files that the lab's TFTP and web servers offer, made from Debian's packages."""

import gzip
import io
import lzma
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from .process import LabError, run

_IMAGES = Path("/usr/lib/debian-installer/images/12")
INSTALLER_X64 = _IMAGES / "amd64/text/debian-installer/amd64"
INSTALLER_ARM64 = _IMAGES / "arm64/text/debian-installer/arm64"
_MODULES = (
    "kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio_pci_modern_dev.ko",
    "kernel/drivers/virtio/virtio_pci_legacy_dev.ko",
    "kernel/drivers/virtio/virtio_pci.ko",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/net/packet/af_packet.ko",
)
_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox ip link set eth0 up
/bin/busybox udhcpc -i eth0 -n -q -f -s /bin/true
echo lab: system is up
while :; do /bin/busybox sleep 3600; done
"""
_GRUB_MODULES = "efinet net tftp http normal linux configfile echo test minicmd sleep halt"
GRUB_CONFIG = """set timeout=0
menuentry "linux" {
  linux /linux console=ttyS0 quiet
  initrd /initrd.gz
}
"""
INSTALLER_CONFIG = """set timeout=0
menuentry "installer" {
  linux /linux console=ttyS0 auto=true priority=critical locale=en_US
  initrd /installer.gz
}
"""
PXELINUX_CONFIG = """default linux
label linux
  kernel linux
  initrd initrd.gz
  append console={console} quiet
"""
IPXE_SCRIPT = """#!ipxe
kernel {base}/linux console=ttyS0 quiet initrd=initrd.gz
initrd {base}/initrd.gz
boot
"""

UBOOT_SCRIPT = """setenv bootfile arm64/boot.conf
pxe get && pxe boot
"""


def uboot_script(text: str) -> bytes:
    """A U-Boot script image, as ``mkimage -T script`` makes it (U-Boot include/image.h).

    A header of 64 bytes with two CRC-32s, then the script's length, a zero and the script.
    """
    body = struct.pack(">2I", len(text), 0) + text.encode()
    linux, arm64, script, uncompressed = 5, 22, 6, 0

    def header(crc: int) -> bytes:
        words = (0x27051956, crc, 0, len(body), 0, 0, zlib.crc32(body))
        return struct.pack(">7I4B32s", *words, linux, arm64, script, uncompressed, b"boot")

    return header(zlib.crc32(header(0))) + body


def small_initrd(target: Path) -> None:
    """Write an initrd of 1 to 2 MB whose init asks DHCP for an address and then waits.

    It takes busybox from the host and the network modules from the installer's own initrd,
    because they have to match the installer's kernel.
    """
    tree = target.with_suffix(".tree")
    (tree / "bin").mkdir(parents=True)
    (tree / "modules").mkdir()
    (tree / "dev").mkdir()
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    (tree / "bin/true").symlink_to("busybox")
    names = []
    packed = gzip.decompress((INSTALLER_X64 / "initrd.gz").read_bytes())
    for path, body in _cpio_files(packed):
        wanted = next((m for m in _MODULES if f"/{m}" in f"/{path}"), None)
        if wanted:
            plain = lzma.decompress(body) if path.endswith(".xz") else body
            (tree / "modules" / Path(wanted).name).write_bytes(plain)
    names = [Path(m).name for m in _MODULES if (tree / "modules" / Path(m).name).exists()]
    if "virtio_net.ko" not in names:
        raise LabError("the installer's initrd has no virtio_net module")
    init = tree / "init"
    init.write_text(_INIT.format(modules=" ".join(names)))
    init.chmod(0o755)
    files = "\n".join(str(p.relative_to(tree)) for p in sorted(tree.rglob("*")))
    done = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"],
        cwd=tree,
        input=files.encode(),
        capture_output=True,
        check=True,
    )
    target.write_bytes(gzip.compress(done.stdout, 6))
    shutil.rmtree(tree)


def _cpio_files(archive: bytes) -> list[tuple[str, bytes]]:
    """The regular files of a "newc" cpio archive (header: 13 fields of 8 hex digits)."""
    stream, found = io.BytesIO(archive), []
    while (header := stream.read(110))[:6] == b"070701":
        mode, size, name_size = (int(header[6 + 8 * i : 14 + 8 * i], 16) for i in (1, 6, 11))
        name = stream.read(name_size).rstrip(b"\0").decode()
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        body = stream.read(size)
        stream.seek(-stream.tell() % 4, io.SEEK_CUR)
        if name == "TRAILER!!!":
            break
        if mode & 0o170000 == 0o100000:
            found.append((name, body))
    return found


def build(root: Path) -> Path:
    """Fill ``root`` and return it. TFTP and web servers both serve it as their root.

    x64: linux, initrd.gz (small), grubx64.efi (unsigned), ipxe.efi, snponly.efi, boot.ipxe,
    signed/ (shim and GRUB), installer.gz with installer/grubx64.efi that boots it; BIOS: undionly.kpxe,
    pxelinux.0 with its modules; arm64: boot.scr.uimg, arm64/.
    """
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(INSTALLER_X64 / "linux", root / "linux")
    small_initrd(root / "initrd.gz")
    shutil.copy(INSTALLER_X64 / "initrd.gz", root / "installer.gz")
    grub = root / "grub"
    grub.mkdir()
    (grub / "grub.cfg").write_text(GRUB_CONFIG)
    (root / "installer").mkdir()
    (root / "installer/grub.cfg").write_text(INSTALLER_CONFIG)
    for prefix, name in (("/grub", "grubx64.efi"), ("/installer", "installer/grubx64.efi")):
        words = ["-O", "x86_64-efi", "-p", prefix, "-o", str(root / name), *_GRUB_MODULES.split()]
        run("grub-mkimage", *words)
    for name in ("ipxe.efi", "snponly.efi", "undionly.kpxe"):
        shutil.copy(Path("/usr/lib/ipxe", name), root / name)
    shutil.copy("/usr/lib/PXELINUX/pxelinux.0", root / "pxelinux.0")
    for name in ("ldlinux.c32", "libutil.c32", "libcom32.c32", "menu.c32"):
        shutil.copy(Path("/usr/lib/syslinux/modules/bios", name), root / name)
    (root / "pxelinux.cfg").mkdir()
    (root / "pxelinux.cfg/default").write_text(PXELINUX_CONFIG.format(console="ttyS0"))
    (root / "boot.ipxe").write_text(IPXE_SCRIPT.format(base="http://192.168.122.1"))
    signed = root / "signed"
    signed.mkdir()
    shutil.copy("/usr/lib/shim/shimx64.efi.signed", signed / "shimx64.efi")
    shutil.copy("/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", signed / "grubx64.efi")
    arm64 = root / "arm64"
    (arm64 / "pxelinux.cfg").mkdir(parents=True)
    shutil.copy(INSTALLER_ARM64 / "linux", arm64 / "linux")
    shutil.copy(root / "initrd.gz", arm64 / "initrd.gz")
    shutil.copy(INSTALLER_ARM64 / "grubaa64.efi", arm64 / "grubaa64.efi")
    (arm64 / "pxelinux.cfg/default").write_text(PXELINUX_CONFIG.format(console="ttyAMA0"))
    (root / "boot.scr.uimg").write_bytes(uboot_script(UBOOT_SCRIPT))
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    root.chmod(0o755)
    return root
