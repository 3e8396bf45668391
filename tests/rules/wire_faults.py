"""Faults as packets: the boot, the finding it must give, and what else may be said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .boots import (
    ARM,
    PE,
    PXELINUX,
    SIGNED,
    URL,
    aborts,
    arp_unanswered,
    bare_proxy,
    black_hole,
    competing,
    filtered_tcp,
    give_up,
    http,
    loaded,
    loop,
    mute_4011,
    mute_tftp,
    naks,
    next_server_unseen,
    no_answer,
    no_config,
    no_module,
    nothing_for_ipxe,
    os_without_address,
    os_without_kickstart,
    outside,
    refused_tcp,
    refused_tftp,
    refuses_options,
    relayed,
    rollover,
    shim_path,
    silent_proxy,
    stops,
    stranger,
    uboot,
    without_url6,
    wrong_server,
)
from .packets import Wire
from .scene import SERVER

PXE_NOTES = ("dhcp-http-vendor-class-not-echoed", "dhcp-http-offer-without-usable-uri", "dhcp-offer-without-boot-file")


class Case(NamedTuple):
    build: Callable[[], Wire]
    must: str
    at: tuple[str, ...]
    may: tuple[str, ...] = ()


FAULTS: dict[str, Case] = {
    "dhcp-no-offer": Case(no_answer, "dhcp-no-offer", ("dhcp",)),
    "dhcp-nak": Case(naks, "dhcp-nak", ("dhcp",)),
    "dhcp-offer-without-boot-file": Case(
        lambda: Wire().ignored().quiet(120), "dhcp-offer-without-boot-file", ("dhcp",)
    ),
    "dhcp-offer-without-boot-file to a ROM's iPXE": Case(
        lambda: Wire("ipxe-bios").lease().quiet(120), "dhcp-offer-without-boot-file", ("dhcp", "chain", "nbp")
    ),
    "dhcp-competing-servers": Case(competing, "dhcp-competing-servers", ("dhcp",)),
    "dhcp-wrong-next-server": Case(wrong_server, "dhcp-wrong-next-server", ("tftp",), ("tftp-no-reply", *PXE_NOTES)),
    "dhcp-relay-missing-or-one-way": Case(relayed, "dhcp-relay-missing-or-one-way", ("dhcp",)),
    "dhcp-http-vendor-class-not-echoed": Case(
        lambda: Wire("efi-x64-http").ignored(file=URL).quiet(120), "dhcp-http-vendor-class-not-echoed", ("dhcp",)
    ),
    "dhcp-http-vendor-class-not-echoed, PXEClient": Case(
        lambda: Wire("efi-x64-http").ignored(file=URL, option60="PXEClient").quiet(120),
        "dhcp-http-vendor-class-not-echoed",
        ("dhcp",),
    ),
    "dhcp-http-offer-without-usable-uri": Case(
        lambda: Wire("efi-x64-http").ignored(file="x.efi", option60="HTTPClient").quiet(120),
        "dhcp-http-offer-without-usable-uri",
        ("dhcp",),
    ),
    "dhcp-http-offer-without-usable-uri, no echo": Case(
        lambda: Wire("efi-x64-http").ignored(file="x.efi").quiet(120), "dhcp-http-offer-without-usable-uri", ("dhcp",)
    ),
    "dhcp-http-offer-without-usable-uri, PXE": Case(
        lambda: give_up(Wire().lease(file=URL).missing(1, URL)),
        "dhcp-http-offer-without-usable-uri",
        ("tftp",),
        ("tftp-file-not-found", *PXE_NOTES),
    ),
    "dns-server-missing-for-name-uri": Case(
        lambda: Wire("efi-x64-http").ignored(file="http://boot.lan/x.efi", option60="HTTPClient").quiet(120),
        "dns-server-missing-for-name-uri",
        ("dhcp", "dns"),
    ),
    "dns-lookup-failed": Case(
        http(lambda wire: wire.query(1, "boot.lan", rcode=3), "http://boot.lan/x.efi", dns=SERVER),
        "dns-lookup-failed",
        ("dns",),
    ),
    "dns-lookup-failed, silent": Case(
        http(lambda wire: [wire.query(time, "boot.lan") for time in (1, 3, 5)], "http://boot.lan/x.efi", dns=SERVER),
        "dns-lookup-failed",
        ("dns",),
    ),
    "arp-next-server-unanswered": Case(arp_unanswered, "arp-next-server-unanswered", ("arp",), PXE_NOTES),
    "no-arp-in-the-capture": Case(next_server_unseen, "arp-next-server-unanswered", ("tftp",), PXE_NOTES),
    "proxydhcp-offer-without-pxeclient": Case(bare_proxy, "proxydhcp-offer-without-pxeclient", ("dhcp", "proxydhcp")),
    "proxydhcp-silent-for-non-pxeclient": Case(
        silent_proxy, "proxydhcp-silent-for-non-pxeclient", ("tftp",), ("tftp-file-not-found",)
    ),
    "proxydhcp-4011-unanswered": Case(
        mute_4011, "proxydhcp-4011-unanswered", ("proxydhcp",), ("proxydhcp-silent-for-non-pxeclient", *PXE_NOTES)
    ),
    "dhcp-option60-without-43": Case(
        lambda: mute_4011(option60=True), "dhcp-option60-without-43", ("proxydhcp",), PXE_NOTES
    ),
    "tcp-refused": Case(http(refused_tcp), "tcp-refused", ("tcp",)),
    "tcp-filtered": Case(http(filtered_tcp), "tcp-filtered", ("tcp",)),
    "tls-unsupported": Case(
        http(lambda wire: None, "https://192.168.122.1/x.efi"), "tls-unsupported", ("tls", "tcp", "http")
    ),
    "tls-cipher": Case(
        http(lambda wire: wire.tls(1, "boot.lan", 40), "https://192.168.122.1/x.efi"), "tls-cipher", ("tls",)
    ),
    "tls-unknown-ca": Case(
        http(lambda wire: wire.tls(1, "boot.lan", 48, by_client=True), "https://192.168.122.1/x.efi"),
        "tls-unknown-ca",
        ("tls",),
    ),
    "http-plain-disabled": Case(http(lambda wire: None), "http-plain-disabled", ("http", "tcp")),
    "tftp-no-reply": Case(mute_tftp, "tftp-no-reply", ("tftp",), PXE_NOTES),
    "tftp-server-down": Case(refused_tftp, "tftp-server-down", ("tftp",)),
    "tftp-nat-loss": Case(outside, "tftp-nat-loss", ("tftp",), PXE_NOTES),
    "tftp-reply-from-other-ip": Case(stranger, "tftp-reply-from-other-ip", ("tftp",), PXE_NOTES),
    "tftp-reply-from-other-ip, refused": Case(
        lambda: stranger(refused=True), "tftp-reply-from-other-ip", ("tftp",), PXE_NOTES
    ),
    "tftp-file-not-found": Case(
        lambda: give_up(Wire().lease(file="x.efi").missing(1, "x.efi")), "tftp-file-not-found", ("tftp",), PXE_NOTES
    ),
    "tftp-access-violation": Case(
        lambda: give_up(Wire().lease(file="x.efi").missing(1, "x.efi", code=2)),
        "tftp-access-violation",
        ("tftp",),
        PXE_NOTES,
    ),
    "tftp-error": Case(
        lambda: give_up(Wire().lease(file="x.efi").missing(1, "x.efi", code=3)), "tftp-error", ("tftp",), PXE_NOTES
    ),
    "tftp-option-negotiation-refused": Case(refuses_options, "tftp-option-negotiation-refused", ("tftp",), PXE_NOTES),
    "tftp-mtu-blackhole": Case(black_hole, "tftp-mtu-blackhole", ("tftp",), PXE_NOTES),
    "tftp-block-rollover": Case(rollover, "tftp-block-rollover", ("tftp",)),
    "tftp-timeout-mid-transfer": Case(stops, "tftp-timeout-mid-transfer", ("tftp",), PXE_NOTES),
    "tftp-client-aborts": Case(aborts, "tftp-client-aborts", ("tftp",), PXE_NOTES),
    "http-404": Case(http(lambda wire: wire.fetch(1, "/ipxe.efi", "404 Not Found", b"no")), "http-404", ("http",)),
    "http-404 for HEAD and GET": Case(
        http(
            lambda wire: wire.fetch(1, "/ipxe.efi", "404 Not Found", b"no", method="HEAD").fetch(
                2, "/ipxe.efi", "404 Not Found", b"no"
            )
        ),
        "http-404",
        ("http",),
    ),
    "http-403": Case(http(lambda wire: wire.fetch(1, "/ipxe.efi", "403 Forbidden", b"no")), "http-403", ("http",)),
    "http-5xx": Case(http(lambda wire: wire.fetch(1, "/ipxe.efi", "502 Bad Gateway", b"no")), "http-5xx", ("http",)),
    "http-redirect-not-followed": Case(
        http(lambda wire: wire.fetch(1, "/ipxe.efi", "301 Moved", b"", f"\nLocation: https://{SERVER}/ipxe.efi")),
        "http-redirect-not-followed",
        ("http",),
    ),
    "http-content-type-not-boot": Case(
        http(
            lambda wire: (
                wire.fetch(1, "/boot.php", fields="\nContent-Type: text/html", body=PE)
                .as_kind("efi-x64-pxe")
                .ignored(60)
            ),
            f"http://{SERVER}/boot.php",
        ),
        "http-content-type-not-boot",
        ("http", "nbp"),
    ),
    "tcp-reset-or-stall-mid-body": Case(
        http(lambda wire: wire.fetch(1, "/ipxe.efi", body=PE, cut=2000, end="reset")),
        "tcp-reset-or-stall-mid-body",
        ("http", "tcp"),
    ),
    "tcp-reset-or-stall-mid-body, silence": Case(
        http(lambda wire: wire.fetch(1, "/ipxe.efi", body=PE, cut=2000, end="")),
        "tcp-reset-or-stall-mid-body",
        ("http", "tcp"),
    ),
    "arch-bios-file-to-efi": Case(loaded(PXELINUX, "pxelinux.0"), "arch-bios-file-to-efi", ("nbp",), PXE_NOTES),
    "arch-bios-file-to-efi, reverse": Case(loaded(PE, "grubx64.efi", "bios-pxe"), "arch-bios-file-to-efi", ("nbp",)),
    "arch-wrong-efi-machine": Case(loaded(ARM), "arch-wrong-efi-machine", ("nbp",), PXE_NOTES),
    "arch-wrong-efi-machine, then silence": Case(
        lambda: Wire().lease(file="boot/first.efi").get(1, "boot/first.efi", ARM).quiet(20),
        "arch-wrong-efi-machine",
        ("nbp",),
    ),
    **{
        f"arch-bios-file-to-efi, UEFI's for {kind}, then silence": Case(
            lambda kind=kind: Wire(kind).lease(file="boot/first").get(1, "boot/first", SIGNED).quiet(20),  # type: ignore[misc]
            "arch-bios-file-to-efi",
            ("nbp",),
        )
        for kind in ("bios-pxe", "ipxe-bios")
    },
    "nbp-secure-boot-refused": Case(loaded(PE), "nbp-secure-boot-refused", ("nbp",), PXE_NOTES),
    "nbp-stalls-after-download": Case(loaded(SIGNED), "nbp-stalls-after-download", ("nbp",), PXE_NOTES),
    "chain-ipxe-loop": Case(loop, "chain-ipxe-loop", ("chain",)),
    "chain-ipxe-nothing-to-boot": Case(nothing_for_ipxe, "chain-ipxe-nothing-to-boot", ("chain", "dhcp")),
    "chain-no-config-found": Case(no_config, "chain-no-config-found", ("chain",)),
    "chain-pxelinux-module-missing": Case(no_module, "chain-pxelinux-module-missing", ("chain", "tftp")),
    "chain-shim-wrong-path": Case(shim_path, "chain-shim-wrong-path", ("chain", "tftp"), PXE_NOTES),
    "chain-shim-wrong-path, backslashes": Case(
        lambda: shim_path("/grubx64.efi", file="efi-x64\\shimx64.efi"),
        "chain-shim-wrong-path",
        ("chain", "tftp"),
        PXE_NOTES,
    ),
    "tftp-file-not-found, beside a shim with backslashes": Case(
        lambda: shim_path("efi-x64\\grubx64.efi", file="efi-x64\\shimx64.efi"),
        "tftp-file-not-found",
        ("tftp",),
        PXE_NOTES,
    ),
    "chain-uboot-bootfile-env": Case(uboot, "chain-uboot-bootfile-env", ("chain", "tftp")),
    "chain-uboot-no-serverip": Case(
        lambda: Wire("u-boot-armv8").lease(file="x", next_server=None).quiet(200),
        "chain-uboot-no-serverip",
        ("chain", "tftp", "dhcp"),
    ),
    "os-redhcp-fails": Case(os_without_address, "os-redhcp-fails", ("os",)),
    "os-config-fetch-failed": Case(os_without_kickstart, "os-config-fetch-failed", ("os",)),
    "v6-no-bootfile-url": Case(without_url6, "v6-no-bootfile-url", ("dhcp",)),
}
