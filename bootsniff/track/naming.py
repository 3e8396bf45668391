"""What a file name tells: search lists, optional extras, modules, things that only boot programs ask for."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from .records import FetchRole

_OPTIONAL = re.compile(
    r"(^|/)(autoexec\.ipxe|revocations(_sku|_sbat)?\.efi|shim_certificate(_\d+)?\.efi|bootsig\.bin|recovery\.elf|"
    r"pieeprom\.(upd|sig|bin)|vl805\.(sig|bin)|recover4\.elf|autoboot\.txt|config\.txt|dt-blob\.bin|armstub\S*\.bin|"
    r"cmdline\.txt|bootcfg\.txt|usercfg\.txt|syscfg\.txt|fbcp\S*|"
    r"hiberfil\.sys|[^/]+_boot\.ttf|bootres\.dll|[^/]+\.mui|boot\.stl|platformsupport\.plist)$",
    re.IGNORECASE,
)
_OS_EXTRA = re.compile(
    r"(^|/)(vendor-data|network-config|\.?treeinfo|updates\.img|product\.img|InRelease)$", re.IGNORECASE
)
"""What started systems look for and do without: cloud-init, Anaconda, package managers."""
_SUM = re.compile(r"\.(sig|asc|gpg|sha\d+|md5)$", re.IGNORECASE)
_RASPBERRY_LOADERS = r"bootcode\.bin|start(4|_cd|4cd|_x|4x|_db|4db)?\.elf"
_RASPBERRY_LOADER = re.compile(rf"(^|/)({_RASPBERRY_LOADERS})$")
_RASPBERRY = re.compile(
    rf"(^|/)({_RASPBERRY_LOADERS}|fixup\S*\.dat|(kernel|recovery)\S*\.img|bcm27\S*\.dtb|overlays/\S+)$"
)
_SEARCH = re.compile(
    r"(^|/)pxelinux\.cfg/\S+$|(^|/)grub\.cfg-\S+$|(^|/)boot\.scr(\.uimg)?$|(^|/)extlinux/extlinux\.conf$|"
    r"(^|/)(syslinux|extlinux|isolinux)\.cfg$|(^|/)01-([0-9a-f]{2}-){5}[0-9a-f]{2}/boot\.cfg$|"
    r"(^|/)([0-9a-f]{1,8}(-(ia64|x86_64|ia32))?|elilo-(ia64|x86_64|ia32))\.conf$",
    re.IGNORECASE,
)
_GRUB_LISTS = re.compile(
    r"(^|/)(i386-pc|i386-efi|x86_64-efi|arm-efi|arm64-efi|aarch64-efi|riscv64-efi|loongarch64-efi|powerpc-ieee1275)/.+\.(lst|mod)$"
)
"""GRUB takes the page of a 404 for its list, and each line of it for the name of a module: names with spaces and slashes."""
_UBOOT_TREE = re.compile(r"dtb/(current/)?([^/]+\.dtb)?")
"""Where U-Boot looks for a device tree for the EFI program that it fetched: it goes on without (config_distro_bootcmd.h)."""
_GRUB_CONFIG = re.compile(r"(^|/)grub\.cfg$", re.IGNORECASE)
_GRUB_BINARY = re.compile(
    r"(^|/)(grub|mm|fb)[a-z0-9]*\.efi(\.signed)?$|(^|/)(i386-pc/core\.0|powerpc-ieee1275/core\.elf)$", re.IGNORECASE
)
_MODULE = re.compile(r"(^|/)\S+\.(c32|mod|lst|e32|e64|pf2|png|mo(\.gz)?)$", re.IGNORECASE)
_SYSLINUX_CORE = re.compile(r"(^|/)(ldlinux\.(c32|e32|e64)|libcom32\.c32|libutil\.c32)$", re.IGNORECASE)
_IPXE_BINARY = re.compile(
    r"(^|/)[^/]*(undionly|ipxe|snponly|snp|gpxe|realtek|intel|netboot\.xyz)[^/]*\.(kpxe|kkpxe|pxe|efi|lkrn|0)$|\.k?kpxe$",
    re.IGNORECASE,
)
_SHIM_BINARY = re.compile(
    r"(^|/)[^/]*(shim|bootnet)[^/]*\.efi(\.signed)?$|(^|/)boot(x64|ia32|aa64|arm)\.efi$", re.IGNORECASE
)
_BOOTISH = re.compile(
    r"\.(0|kpxe|kkpxe|pxe|lkrn|efi|ipxe|uimg|itb|dtb|fit|squashfs|wim|sdi|bcd|n12|com|nbi|c32|cpio)$|"
    r"vmlinu|[bzu]image|initr|^[0-9a-f]{8}\.img$|(^|/)linux$|(^|/)kernel|(^|/)uimage|(^|/)image(\.gz)?$|grub|pxe|bootmgr|bootx|netboot|"
    r"preseed|kickstart|(^|/)ks\.cfg|ignition|\.ign$|autoinst|uboot|u-boot|start4?\.elf",
    re.IGNORECASE,
)
_NOT_BOOT = re.compile(
    r"(^|/)(SEP[0-9a-f]{12}|CTLSEP[0-9a-f]{12}|ITLSEP\S*|XMLDefault|SIPDefault|gk-default|spa\d*|RINGLIST|dialplan|"
    r"[0-9a-f]{12}|snom\S*|aastra|cfg[0-9a-f]{12}|y0{6}\S*)\S*\.(cnf|cfg|xml|tlv|sgn|loads|txt|boot|ini|htm|conf)\S*$|"
    r"(^|/)(hpnp/\S*|[\w-]+-confg|cisco(net|rtr)\.cfg|(CTL|ITL)File\.tlv|g\d-tones\.xml|[a-z]{2}-(sccp|sip)\.(jar|xml)|"
    r"cfg[0-9a-f]{12}|cfg\w*\.xml|phonebook\.xml|[\w.-]+\.(loads|sgn))$",
    re.IGNORECASE,
)
_KERNEL = re.compile(
    r"(^|/)(vmlinu[xz][^/]*|[bzu]image[^/]*|image(\.(gz|lz4|xz|zst))?|linux|kernel([^/]*\.img|cache)?|mach_kernel)$",
    re.IGNORECASE,
)
_CROSS_CERTIFICATE = re.compile(r"/[0-9a-f]{8}\.der\?subject=[^/?#]*$")
"""What iPXE appends to the place of cross-signed certificates (net/validator.c)."""
_VARIABLE = re.compile(r"\$\{[^${}]{0,64}\}|\$[A-Za-z_][A-Za-z0-9_]{0,63}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SLASHES = re.compile(r"/+")
_NAMES = 512
"""Names that are remembered: those of one network's boot files, compared over and over while they load."""
_ANY = "\ue000"
"""Stands for a variable; a character of nobody's use."""
_LEAST_CERTAIN = 3
_BOOT_AGENTS = (
    "iPXE",
    "gPXE",
    "UefiHttpBoot",
    "GRUB",
    "U-Boot",
    "shim",
    "PXELINUX",
    "lpxelinux",
    "syslinux",
    "Syslinux",
)


@lru_cache(_NAMES)
def plain_path(name: str) -> str:
    """A TFTP name or a URL's path in one form for comparison: no scheme, no leading or doubled slashes, `/` only."""
    if "://" in name[:12]:
        # Not urllib's urlsplit: it refuses hosts such as `[x]`, and any host may stand in a request.
        scheme, _, rest = name.partition("://")
        path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")[2]
        name = unquote(path) if scheme.lower().startswith("http") else path
    return _SLASHES.sub("/", name.replace("\\\\", "/").replace("\\", "/")).lstrip("/")


def joined(base: str, name: str) -> str:
    """A name as a script at the URL `base` means it (RFC 3986 section 5.2); as it is, when the script came by TFTP."""
    # Not urllib's urljoin: it refuses hosts such as `[x`, and any host may stand in a script.
    if "://" not in base or _SCHEME.match(name):
        return name
    scheme, _, rest = base.partition("://")
    host, _, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    if name.startswith("//"):
        return f"{scheme}:{name}"
    path = name[1:] if name.startswith("/") else path[: path.rfind("/") + 1] + name
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return f"{scheme}://{host}/{'/'.join(parts)}"


def same_file(left: str, right: str) -> bool:
    """Whether two names (path, URL, with or without host) mean the same file."""
    return plain_path(left) == plain_path(right)


def pieces_of(name: str) -> tuple[str, ...] | None:
    """What is certain of a URL or path with `${variables}`: of its path, the beginning, parts between, the end.

    A URL that is relative, or whose beginning is a variable, may begin with anything. None when hardly anything is
    certain. Where a variable stands, any text may: iPXE's `${base-url}` holds slashes.
    """
    plain = re.split(r"[?#]", _VARIABLE.sub(_ANY, name), maxsplit=1)[0]
    path = plain_path(plain)
    if "://" in plain or plain.startswith("/"):
        path = f"/{path}"
    elif not plain.startswith(_ANY):
        path = f"{_ANY}/{path}"
    pieces = tuple(path.split(_ANY))
    return pieces if len("".join(pieces).replace("/", "")) >= _LEAST_CERTAIN else None


def fits(pieces: tuple[str, ...], name: str) -> bool:
    """Whether a file's name is one that `pieces_of` left open."""
    path = f"/{plain_path(name)}"
    if len(pieces) == 1:
        return path == pieces[0]  # the variable stood in the query
    first, *middle, last = pieces
    if not path.startswith(first) or not path.endswith(last) or len(path) < len(first) + len(last):
        return False
    at, end = len(first), len(path) - len(last)
    for piece in middle:
        at = path.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def role_by_name(name: str) -> FetchRole | None:
    """The role that a name alone gives away."""
    path = plain_path(name)
    if _OPTIONAL.search(path) or _UBOOT_TREE.fullmatch(name):
        return "optional"
    if _SEARCH.search(path):
        return "config-search"
    if _GRUB_LISTS.search(path):
        # A GRUB that has to fetch this one is nothing without it (kern/main.c, grub_load_normal_mode).
        return "module" if path.endswith("/normal.mod") else "optional"
    if _GRUB_CONFIG.search(path):
        return "script"
    if _MODULE.search(path):
        return "module"
    return None


def is_cross_certificate(name: str) -> bool:
    """A certificate that would vouch for an authority that iPXE does not know, as iPXE asks for it at ca.ipxe.org."""
    return _CROSS_CERTIFICATE.search(name) is not None


def is_os_extra(name: str) -> bool:
    """Names of what installers and cloud-init look for, and go on without; no boot program asks for them."""
    return _OS_EXTRA.search(plain_path(name)) is not None


def is_sum(name: str) -> bool:
    """Names of signatures and check sums."""
    return _SUM.search(plain_path(name)) is not None


def is_grub_name(name: str) -> bool:
    """Names that only GRUB asks for."""
    path = plain_path(name)
    return bool(_GRUB_LISTS.search(path) or _GRUB_CONFIG.search(path) or re.search(r"(^|/)grub\.cfg-\S+$", path))


def is_grub_binary(name: str) -> bool:
    """GRUB (or MokManager) itself, as shim asks for it, or as `grub-mknetdir` names it for machines without EFI."""
    return _GRUB_BINARY.search(plain_path(name)) is not None


def is_shim_extra(name: str) -> bool:
    """Names that only shim asks for."""
    return re.search(r"(^|/)(revocations(_sku|_sbat)?|shim_certificate(_\d+)?)\.efi$", plain_path(name)) is not None


def is_shim_binary(name: str) -> bool:
    """Usual names of shim."""
    return _SHIM_BINARY.search(plain_path(name)) is not None


def is_pxelinux_name(name: str) -> bool:
    """Names that PXELINUX asks for: its modules and its configuration search list."""
    path = plain_path(name)
    return bool(_SYSLINUX_CORE.search(path) or re.search(r"(^|/)pxelinux\.cfg/", path) or path.lower().endswith(".c32"))


def is_pxelinux_binary(name: str) -> bool:
    """Usual names of PXELINUX and syslinux.efi."""
    return re.search(r"(^|/)(g?l?pxelinux\.(0|bin)|syslinux\.efi)$", plain_path(name), re.IGNORECASE) is not None


def is_ipxe_binary(name: str) -> bool:
    """Usual names of iPXE binaries."""
    return _IPXE_BINARY.search(plain_path(name)) is not None


def is_kernel_name(name: str) -> bool:
    """Usual names of kernels."""
    return _KERNEL.search(plain_path(name)) is not None


def is_way_out(name: str) -> bool:
    """Windows Deployment Services' program that sends a machine to its next boot device at once."""
    return re.search(r"(^|/)abortpxe\.com$", plain_path(name), re.IGNORECASE) is not None


def is_boot_script(name: str) -> bool:
    """U-Boot's own script."""
    return re.search(r"(^|/)boot\.scr(\.uimg)?$", plain_path(name)) is not None


def is_raspberry_name(name: str) -> bool:
    """Names a Raspberry Pi's boot ROM asks for."""
    return _RASPBERRY.search(plain_path(name)) is not None or _OPTIONAL.search(plain_path(name)) is not None


def is_raspberry_loader(name: str) -> bool:
    """The programs of a Raspberry Pi's firmware that load the next one: none of them is a system."""
    return _RASPBERRY_LOADER.search(plain_path(name)) is not None


def looks_like_boot(name: str) -> bool:
    """Whether a file of that name is one that boot programs fetch; phone and printer configurations are not."""
    path = plain_path(name)
    return bool(_BOOTISH.search(path)) and not _NOT_BOOT.search(path)


def is_device_config(name: str) -> bool:
    """Configuration files of phones and the like, fetched by devices that run already."""
    return _NOT_BOOT.search(plain_path(name)) is not None


def is_boot_agent(user_agent: str | None) -> bool:
    """Whether an HTTP User-Agent names a boot program."""
    return user_agent is not None and user_agent.startswith(_BOOT_AGENTS)
