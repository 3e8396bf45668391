"""Scenes of link, DHCP, architecture, ProxyDHCP and DHCPv6 faults, and what looks like them."""

from __future__ import annotations

from collections.abc import Callable

from bootsniff.model import HostFacts

from .scene import GRUB, PE_ARM64, PE_X64_SIGNED, PXELINUX, SERVER, Scene

FOUR = (0, 4, 12, 28)


def ignored(client: str, **offer: object) -> Scene:
    """Discovers that go on although each was offered something."""
    return Scene(client).discover(0).offer(0.1, **offer).discover(4).offer(4.1, **offer).discover(12, 28)


def offers_at(*points: tuple[int, int], file: str = "grubx64.efi") -> Scene:
    """The machine is heard at two capture points, the OFFERs at the second, or at these."""
    scene = ignored("efi-x64-pxe", file=file)
    scene.dhcp.asked_at, scene.dhcp.offered_at = ((0, 0), (1, 0)), points or ((1, 0),)
    return scene


def no_offer() -> Scene:
    return Scene().discover(*FOUR)


def stp() -> Scene:
    scene = Scene(at="link")
    scene.world.bpdus_not_forwarding = (scene.at(-2), scene.at(2))
    return scene.discover(*FOUR)


def firewall() -> Scene:
    scene = no_offer()
    scene.world.host = HostFacts(listeners=(("udp", "0.0.0.0", 67),), firewalld_zones=(("virbr0", "libvirt"),))
    return scene


def pool(*, full: bool = True) -> Scene:
    scene = Scene().discover(*FOUR)
    addresses = ("192.168.122.10", "192.168.122.11", "192.168.122.12") if full else ("192.168.122.10", "192.168.122.80")
    for number, address in enumerate(addresses):
        scene.other_machine(
            f"52:54:00:00:00:0{number}", Scene(status="in-progress").lease(-30 + number, your=address, file="x.efi")
        )
        scene.serves(SERVER).dhcp_replies += 1
    return scene


def naks() -> Scene:
    return Scene().discover(0).offer(0.1, file="x.efi").request(0.2).nak(0.3, text="wrong network").request(5).nak(5.1)


def competing() -> Scene:
    scene = Scene("ipxe-bios").discover(0).offer(0.1, server="192.168.122.254").offer(0.2, file="menu.ipxe")
    return scene.request(1, "192.168.122.254").ack(1.1, server="192.168.122.254")


def wrong_next_server() -> Scene:
    scene = Scene().lease(file="shim.efi", next_server="192.168.122.9")
    scene.tftp(1, "shim.efi", "complete", server="192.168.122.9")
    scene.stage("grub").dhcp = None
    flow = scene.tftp(5, "/grub/grub.cfg", role="script", requests=3)
    flow.icmp = [scene.icmp(5.1), scene.icmp(9.1)]
    return scene


def relay() -> Scene:
    scene = Scene().discover(0)
    for second in (0.1, 4.1):
        scene.dhcp.relayed += (scene.heard(second, 1, relay="192.168.5.1"),)
        scene.dhcp.relayed += (scene.reply(second + 0.1, 2, relay="192.168.5.1", file="x.efi"),)
        scene.discover(second + 3.9)
    return scene.discover(28)


def url_for_pxe() -> Scene:
    scene = Scene(at="tftp").lease(file="http://192.168.122.1/ipxe.efi")
    scene.tftp(1, "http://192.168.122.1/ipxe.efi", "failed", error=1)
    return scene


def arm_for_all() -> Scene:
    """Dnsmasq's lone `b`: an x64 client, and an HTTP client of another machine, get the ARM64 file."""
    scene = Scene(at="nbp").lease(file="/arch-aarch64/grubaa64.efi")
    scene.tftp(1, "/arch-aarch64/grubaa64.efi", "complete", content=PE_ARM64)
    other = ignored("efi-x64-http", file="/arch-aarch64/grubaa64.efi", option60="HTTPClient")
    return scene.other_machine("52:54:00:00:00:01", other)


def bios_to_efi() -> Scene:
    scene = Scene(at="nbp").lease(file="pxelinux.0")
    scene.tftp(1, "pxelinux.0", "complete", content=PXELINUX)
    return scene


def efi_to_bios() -> Scene:
    scene = Scene("bios-pxe", at="nbp").lease(file="grubx64.efi")
    scene.tftp(1, "grubx64.efi", "complete", content=PE_ARM64)
    return scene


def http_without_file() -> Scene:
    return ignored("efi-x64-http")


def http_alone(client: str) -> Scene:
    """PXE gets nothing, from a server that names a URL for HTTP boot of the same machines."""
    other = Scene("efi-arm64-http", status="in-progress").lease(
        file="http://192.168.122.1/grubaa64.efi", option60="HTTPClient"
    )
    return ignored(client).other_machine("52:54:00:00:00:01", other)


def http_falls_to_default() -> Scene:
    scene = ignored("efi-x64-http", file="pxelinux.0")
    scene.serves(SERVER).dialect = "isc-dhcpd"
    return scene


def bare_proxy() -> Scene:
    return Scene().discover(0).offer(0.1).proxy(0.2, file="grubx64.efi").discover(4, 12, 28)


def mute_proxy() -> Scene:
    scene = Scene().discover(0).offer(0.1).proxy(0.2, file="x.efi", option60="PXEClient").discover(4, 12, 28)
    scene.serves("192.168.122.9").answered_vendor_classes.add("PXEClient")
    scene.stage("efi-x64-http")
    return scene.discover(100).offer(100.1).discover(104, 112, 128)


def proxy_for_others(option43: bytes = b"\x06\x01\x08\x0a\x04\x00PXE\xff", file: str | None = None) -> Scene:
    scene = Scene("efi-arm64-pxe", at="dhcp").lease().proxy(0.15, option60="PXEClient").to_4011(1)
    scene.dhcp.pxe_replies = (
        scene.reply(1.1, 5, server="192.168.122.9", your=None, option60="PXEClient", option43=option43, file=file),
    )
    return scene


def mute_4011() -> Scene:
    return Scene(at="proxydhcp").lease().proxy(0.15, option60="PXEClient").to_4011(1, 2, 4, 7)


def option60() -> Scene:
    return Scene(at="proxydhcp").lease(file="grubx64.efi", option60="PXEClient").to_4011(1, 2, 4, 7, server=SERVER)


def v6_without_url() -> Scene:
    scene = Scene()
    exchange = scene.solicit(0, 1)
    exchange.advertises = (scene.heard6(1.1, 2, addresses=("fd00::5",)),)
    return scene


def wrong_base() -> Scene:
    """x64 HTTP (16) gets nothing, ARM32 UEFI (10) the URL that was meant for it."""
    other = Scene(status="in-progress").lease(file="http://192.168.122.1/ipxe.efi")
    other.here.arch = (10,)
    return http_without_file().other_machine("52:54:00:00:00:01", other)


def seven_gets_the_default() -> Scene:
    other = Scene(status="in-progress").lease(file="grubx64.efi")
    other.here.arch = (9,)
    return bios_to_efi().other_machine("52:54:00:00:00:01", other)


def proxy_beside() -> Scene:
    return Scene().discover(0).offer(0.1).proxy(0.2, file="x.efi", option60="PXEClient").discover(4, 12, 28)


def damaged(*, accepted: bool = False, to_relay: bool = False) -> Scene:
    scene = ignored("efi-x64-pxe", file="grubx64.efi")
    for heard in scene.dhcp.offers:
        heard.bad_checksum = True
        heard.target_port = 67 if to_relay else 68
    if accepted:
        scene.request(30)
    return scene


def declined() -> Scene:
    scene = Scene().lease(file="x.efi")
    scene.dhcp.declines += (scene.heard(1, 4, options={50: bytes((192, 168, 122, 227))}),)
    return scene


def overloaded(asked: str | None = "C\\x0apxelinux.0\\xff", *, fields: int = 3) -> Scene:
    """Options in the header's fields, and what a ROM makes of them."""
    scene = Scene("bios-pxe", at="tftp").lease(option67="pxelinux.0")
    for reply in (*scene.dhcp.offers, *scene.dhcp.acks):
        reply.message.overload = fields
    if asked is not None:
        scene.tftp(1, asked, "failed", error=1)
    return scene


def mangled(asked: str = "pxelinux.0\\xff") -> Scene:
    scene = Scene("bios-pxe", at="tftp").lease(option67="pxelinux.0")
    scene.tftp(1, asked, "failed", error=1)
    return scene


def without_arch() -> Scene:
    scene = Scene("bios-pxe").lease()
    scene.here.arch = ()
    return scene


def boot_servers() -> Scene:
    scene = Scene(at="proxydhcp").lease(option43=b"\x06\x01\x03\xff")
    for second in (1, 3, 5):
        item = {43: b"\x47\x04\x80\x00\x00\x00\xff"}
        scene.dhcp.pxe_requests += (scene.heard(second, 3, target_port=67, options=item),)
        scene.dhcp.pxe_request_count += 1
    return scene


def sent_away(
    named: str = "xnba.kpxe", other: str = "boot/x64/wdsnbp.com", last: str = "boot/x64/abortpxe.com", **proxy: object
) -> Scene:
    """A deployment server's ProxyDHCP wins, and has nothing for the machine."""
    scene = Scene("bios-pxe", status="handed-off", at=None).lease(file=named)
    scene.proxy(0.15, file=other, option60="PXEClient", **proxy)  # type: ignore[arg-type]
    scene.tftp(1, other, "complete", server="192.168.122.9")
    scene.tftp(2, last, "complete", server="192.168.122.9")
    return scene


def led_astray() -> Scene:
    """The file that ProxyDHCP names is not there."""
    scene = Scene("bios-pxe", at="tftp").lease(file="xnba.kpxe")
    scene.proxy(0.15, file="other.kpxe", option60="PXEClient")
    scene.tftp(1, "other.kpxe", "failed", error=1, server="192.168.122.9")
    return scene


def grub_alone(content: object = GRUB, **offer: object) -> Scene:
    """GRUB arrives, and asks for nothing."""
    offer.setdefault("next_server", None)
    scene = Scene(at="nbp").lease(file="grubx64.efi", **offer)  # type: ignore[arg-type]
    scene.tftp(1, "grubx64.efi", "complete", content=content)  # type: ignore[arg-type]
    return scene


def grub_by_proxy() -> Scene:
    """The same of a ProxyDHCP server, which names itself."""
    scene = Scene(at="nbp").discover(0).offer(0.1, next_server=None).request(0.2).ack(0.3, next_server=None)
    scene.proxy(0.15, file="grubx64.efi", option60="PXEClient", next_server="192.168.122.9")
    scene.tftp(1, "grubx64.efi", "complete", content=GRUB, server="192.168.122.9")
    return scene


def grub_refused() -> Scene:
    """The firmware does not start it, and goes on to its next boot option."""
    scene = grub_alone()
    scene.stage("efi-x64-http")
    return scene.discover(60)


def server_by_name(**offer: object) -> Scene:
    offer.setdefault("next_server", None)
    scene = Scene(at="tftp").lease(file="grubx64.efi", option66="boot.lan", **offer)  # type: ignore[arg-type]
    scene.tftp(1, "grubx64.efi", requests=6)
    return scene


def name_looked_up() -> Scene:
    scene = server_by_name()
    scene.lookup(0.8, "boot.lan", rcode=3)
    return scene


def far_server(target: str = "192.168.2.14", **offer: object) -> Scene:
    offer.setdefault("router", None)
    return Scene(at="tftp").lease(file="grubx64.efi", next_server=target, **offer)  # type: ignore[arg-type]


def arm_for_arm() -> Scene:
    scene = Scene("efi-arm64-pxe", at="tftp").lease(file="/arch-aarch64/grubaa64.efi")
    scene.tftp(1, "/arch-aarch64/grubaa64.efi", "failed", error=1)
    return scene


def from_software(scene: Scene, dialect: str) -> Scene:
    scene.serves(SERVER).dialect = dialect
    return scene


def one_server_down() -> Scene:
    """It served nothing to anybody, and no other one did."""
    scene = Scene(at="tftp").lease(file="shim.efi")
    flow = scene.tftp(1, "shim.efi", "failed", requests=3)
    flow.icmp = [scene.icmp(1.1), scene.icmp(5.1)]
    return scene


def proxy_for_all() -> Scene:
    scene = mute_proxy()
    scene.serves("192.168.122.9").answered_vendor_classes.add("HTTPClient")
    return scene


FAULTS: dict[str, Callable[[], Scene]] = {
    "dhcp-next-server-missing": grub_alone,
    "dhcp-next-server-is-a-name": server_by_name,
    "dhcp-router-missing": far_server,
    "link-stp-delay": stp,
    "link-dhcp-blocked-by-host-firewall": firewall,
    "dhcp-no-offer": no_offer,
    "dhcp-pool-exhausted": pool,
    "dhcp-nak": naks,
    "dhcp-offer-lost": offers_at,
    "dhcp-offer-without-boot-file": lambda: ignored("efi-x64-pxe"),
    "dhcp-competing-servers": competing,
    "dhcp-wrong-next-server": wrong_next_server,
    "dhcp-relay-missing-or-one-way": relay,
    "dhcp-http-vendor-class-not-echoed": lambda: ignored("efi-x64-http", file="http://192.168.122.1/ipxe.efi"),
    "dhcp-http-offer-without-usable-uri": lambda: ignored("efi-x64-http", file="grubx64.efi", option60="HTTPClient"),
    "dns-server-missing-for-name-uri": lambda: ignored(
        "efi-x64-http", file="http://boot.lan/x.efi", option60="HTTPClient"
    ),
    "arch-hex-decimal-confusion": wrong_base,
    "arch-dnsmasq-b-matches-everyone": arm_for_all,
    "arch-isc-0016-is-uboot": http_falls_to_default,
    "arch-7-vs-9": seven_gets_the_default,
    "arch-bios-file-to-efi": bios_to_efi,
    "arch-wrong-efi-machine": arm_for_all,
    "proxydhcp-offer-without-pxeclient": bare_proxy,
    "proxydhcp-silent-for-non-pxeclient": mute_proxy,
    "proxydhcp-4011-unanswered": mute_4011,
    "dhcp-option60-without-43": option60,
    "v6-no-bootfile-url": v6_without_url,
    "dhcp-bad-udp-checksum": damaged,
    "dhcp-address-conflict": declined,
    "dhcp-bootfile-name-mangled": mangled,
    "dhcp-option-overload": overloaded,
    "arch-option-missing": without_arch,
    "proxydhcp-split-offer-rejected": proxy_beside,
    "proxydhcp-overrides-boot-file": led_astray,
    "proxydhcp-no-boot-file": proxy_for_others,
    "pxe-boot-server-discovery-unanswered": boot_servers,
}


def nak_then_lease() -> Scene:
    return Scene(status="in-progress", at=None).request(0).nak(0.1).lease(1, file="x.efi")


def same_data_twice() -> Scene:
    scene = (
        Scene()
        .discover(0)
        .offer(0.1, server="192.168.122.2", file="x.efi")
        .offer(0.2, server="192.168.122.3", file="x.efi")
    )
    return scene.discover(4, 12, 28)


def good_one_chosen() -> Scene:
    """A router answers, too; the machine takes the boot server's offer, and TFTP fails for its own reason."""
    scene = (
        Scene(at="tftp")
        .discover(0)
        .offer(0.1, server="192.168.122.254")
        .offer(0.2, file="x.efi")
        .request(1)
        .ack(1.1, file="x.efi")
    )
    scene.tftp(2, "x.efi", "failed", error=1)
    return scene


def os_without_file() -> Scene:
    scene = Scene("os", at="os")
    return scene.lease()


def answered_late() -> Scene:
    return Scene(status="in-progress", at=None).discover(0, 1, 2).offer(3).request(4).ack(4.1, file="x.efi")


def no_ipv6() -> Scene:
    scene = Scene()
    scene.solicit(0, 1, 3, 7)
    return scene


def healthy_relay() -> Scene:
    scene = Scene(status="in-progress", at=None)
    for kind, reply in ((1, False), (2, True), (3, False), (5, True)):
        second = float(kind)
        heard = (
            scene.reply(second, kind, relay="192.168.5.1", file="x.efi")
            if reply
            else scene.heard(second, kind, relay="192.168.5.1")
        )
        scene.dhcp.relayed += (heard,)
    return scene.lease(10, file="x.efi")


def retried_4011() -> Scene:
    scene = Scene(at="tftp").lease().proxy(0.15, option60="PXEClient").to_4011(1, 2)
    scene.dhcp.icmp = (scene.icmp(1.01),)
    scene.dhcp.pxe_replies = (
        scene.reply(2.1, 5, server="192.168.122.9", your=None, file="shim.efi", option60="PXEClient"),
    )
    return scene


def accepted_without_echo() -> Scene:
    return Scene("efi-x64-http", at="http").lease(file="http://192.168.122.1/x.efi")


def kernel_for_bios() -> Scene:
    scene = Scene("bios-pxe", at="chain").lease(file="pxelinux.0")
    scene.tftp(1, "pxelinux.0", "complete", content=PXELINUX)
    scene.tftp(2, "vmlinuz", "complete", role="kernel", content=PE_ARM64)
    return scene


LOOKALIKES = [
    ("arch-dnsmasq-b-matches-everyone", "an ARM64 machine gets it, and it is missing", arm_for_arm),
    ("arch-dnsmasq-b-matches-everyone", "Kea knows no such suffix", lambda: from_software(arm_for_all(), "kea")),
    ("arch-isc-0016-is-uboot", "dnsmasq counts in decimal", lambda: from_software(http_falls_to_default(), "dnsmasq")),
    ("dhcp-wrong-next-server", "the only server is down", one_server_down),
    ("proxydhcp-silent-for-non-pxeclient", "the proxy answers HTTPClient elsewhere", proxy_for_all),
    ("dhcp-next-server-missing", "siaddr is there", lambda: grub_alone(next_server=SERVER)),
    ("dhcp-next-server-missing", "Secure Boot: the firmware goes on", grub_refused),
    ("dhcp-next-server-missing", "a program that needs no server", lambda: grub_alone(PE_X64_SIGNED)),
    ("dhcp-next-server-missing", "a name in option 66", lambda: grub_alone(option66="boot.lan")),
    ("dhcp-next-server-is-a-name", "a name beside siaddr", lambda: server_by_name(next_server=SERVER)),
    ("dhcp-next-server-is-a-name", "the name is looked up", name_looked_up),
    ("dhcp-next-server-is-a-name", "an address", lambda: grub_alone(option66="192.168.122.9")),
    ("dhcp-router-missing", "a server on the own network", lambda: far_server("192.168.122.9")),
    ("dhcp-router-missing", "a router is there", lambda: far_server(router=SERVER)),
    ("dhcp-router-missing", "ARP for the server itself", lambda: far_server().arp("192.168.2.14", 1, 2, 3)),
    ("dhcp-bad-udp-checksum", "offloading: the offer was accepted", lambda: damaged(accepted=True)),
    ("dhcp-offer-lost", "at both points", lambda: offers_at((0, 0), (1, 0))),
    ("dhcp-offer-lost", "no file in them", lambda: offers_at(file="")),
    ("dhcp-offer-lost", "one point", lambda: ignored("efi-x64-pxe", file="grubx64.efi")),
    ("dhcp-bad-udp-checksum", "on the way to a relay", lambda: damaged(to_relay=True)),
    ("dhcp-bad-udp-checksum", "the offer has no file", lambda: ignored("efi-x64-pxe")),
    ("dhcp-address-conflict", "a lease that was kept", lambda: Scene().lease(file="x.efi")),
    ("dhcp-bootfile-name-mangled", "the file is really missing", lambda: mangled("pxelinux.0")),
    ("dhcp-option-overload", "it asks for the name itself", lambda: overloaded("pxelinux.0")),
    ("dhcp-option-overload", "a byte behind the name", lambda: overloaded("pxelinux.0\\xff")),
    ("dhcp-option-overload", "no field holds options", lambda: overloaded(fields=0)),
    ("dhcp-option-overload", "only sname holds options", lambda: overloaded(fields=2)),
    ("arch-option-missing", "option 93 is there", lambda: Scene("bios-pxe").lease()),
    ("proxydhcp-overrides-boot-file", "the DHCP server names none", lambda: sent_away("")),
    ("proxydhcp-overrides-boot-file", "both name the same", lambda: sent_away("boot/x64/wdsnbp.com")),
    ("proxydhcp-overrides-boot-file", "the proxy's boot goes on", lambda: sent_away(last="boot/x64/pxeboot.n12")),
    ("proxydhcp-overrides-boot-file", "one server is both", lambda: sent_away(server=SERVER)),
    ("proxydhcp-split-offer-rejected", "the offer was taken", mute_4011),
    ("pxe-boot-server-discovery-unanswered", "requests to port 4011", mute_4011),
    ("proxydhcp-no-boot-file", "no answer from port 4011", mute_4011),
    (
        "proxydhcp-no-boot-file",
        "port 4011 is not in the capture",
        lambda: Scene().lease().proxy(0.1, option60="PXEClient"),
    ),
    ("proxydhcp-no-boot-file", "a file", lambda: proxy_for_others(file="grubaa64.efi")),
    ("proxydhcp-no-boot-file", "boot servers", lambda: proxy_for_others(bytes.fromhex("0807800001c0a87a09ff"))),
    ("dhcp-no-offer", "an answer that comes after three seconds", answered_late),
    ("dhcp-no-offer", "a network without IPv6", no_ipv6),
    ("dhcp-no-offer", "one DISCOVER is no pattern", lambda: Scene().discover(0)),
    ("dhcp-pool-exhausted", "nobody else is served either", no_offer),
    ("dhcp-nak", "one NAK before a clean exchange", nak_then_lease),
    ("dhcp-competing-servers", "a failover pair with the same data", same_data_twice),
    ("dhcp-competing-servers", "DHCP beside ProxyDHCP", proxy_beside),
    ("dhcp-offer-without-boot-file", "the operating system's own DHCP", os_without_file),
    ("dhcp-offer-without-boot-file", "ProxyDHCP names the file", proxy_beside),
    (
        "dhcp-offer-without-boot-file",
        "an HTTP client that was given a path",
        lambda: ignored("efi-x64-http", file="grubx64.efi"),
    ),
    (
        "dhcp-http-vendor-class-not-echoed",
        "the echo is there",
        lambda: ignored("efi-x64-http", file="http://a/x.efi", option60="HTTPClient:x"),
    ),
    ("dhcp-http-vendor-class-not-echoed", "the offer was accepted", accepted_without_echo),
    ("dhcp-http-vendor-class-not-echoed", "a path, not a URL", lambda: ignored("efi-x64-http", file="grubx64.efi")),
    ("dhcp-http-vendor-class-not-echoed", "a PXE client", lambda: ignored("efi-x64-pxe", file="http://a/x.efi")),
    (
        "dhcp-http-offer-without-usable-uri",
        "a URL without the echo",
        lambda: ignored("efi-x64-http", file="http://a/x.efi"),
    ),
    ("dhcp-http-offer-without-usable-uri", "nothing offered at all", http_without_file),
    (
        "dns-server-missing-for-name-uri",
        "an address in the URL",
        lambda: ignored("efi-x64-http", file="http://10.0.0.1/x.efi", option60="HTTPClient"),
    ),
    (
        "dns-server-missing-for-name-uri",
        "option 6 is there",
        lambda: ignored("efi-x64-http", file="http://b/x.efi", option60="HTTPClient", dns="10.0.0.1"),
    ),
    ("dhcp-relay-missing-or-one-way", "a relayed exchange that works", healthy_relay),
    ("proxydhcp-4011-unanswered", "a first try that was refused and repeated", retried_4011),
    ("proxydhcp-offer-without-pxeclient", "option 60 is there", proxy_beside),
    ("dhcp-option60-without-43", "a real proxy that is silent", mute_4011),
    ("arch-bios-file-to-efi", "a Linux kernel begins with MZ, too", kernel_for_bios),
    ("arch-wrong-efi-machine", "a kernel for a BIOS machine", kernel_for_bios),
    ("arch-hex-decimal-confusion", "nothing shows that the server looks at architectures", http_without_file),
    ("arch-hex-decimal-confusion", "HTTP boot alone is served", lambda: http_alone("efi-arm64-pxe")),
    ("arch-7-vs-9", "HTTP boot alone is served", lambda: http_alone("efi-x64-pxe")),
    ("arch-7-vs-9", "nothing shows that the server looks at architectures", bios_to_efi),
    ("link-stp-delay", "no BPDUs", no_offer),
    ("link-dhcp-blocked-by-host-firewall", "nothing known of the host", no_offer),
]
