"""Scenes of ARP, DNS, TCP, TLS, TFTP and HTTP faults, and what looks like them."""

from __future__ import annotations

from msgspec.structs import replace

from bootsniff.flow.records import TftpTransfer, TlsHandshake
from bootsniff.model import HostFacts
from bootsniff.track.records import FetchRecord
from bootsniff.wire.transfers import TlsAlert, TlsCertificate, TlsClientHello, TlsServerHello

from .scene import CLIENT, PAGE, PE_X64_SIGNED, SERVER, Scene

OUTSIDE = "192.168.2.14"
URL = "http://192.168.122.1/ipxe.efi"


def leased(at: str = "tftp", client: str = "efi-x64-pxe", **settings: object) -> Scene:
    settings.setdefault("file", "grubx64.efi")
    return Scene(client, at=at).lease(**settings)  # type: ignore[arg-type]


def tftp(**settings: object) -> Scene:
    scene = leased()
    scene.tftp(1, "grubx64.efi", **settings)  # type: ignore[arg-type]
    return scene


def fetch_of(scene: Scene) -> tuple[FetchRecord, TftpTransfer]:
    fetch = scene.here.fetches[-1]
    assert isinstance(fetch.flow, TftpTransfer)
    return fetch, fetch.flow


def web(url: str = URL, client: str = "efi-x64-http", **settings: object) -> Scene:
    scene = leased("http", client, file=url, option60="HTTPClient")
    scene.http(1, url, **settings)  # type: ignore[arg-type]
    return scene


def arp() -> Scene:
    return leased("arp", next_server="192.168.122.5").arp("192.168.122.5", 1, 2, 3, 4)


def server_down() -> Scene:
    scene = tftp(requests=3, status="failed")
    fetch_of(scene)[1].icmp = [scene.icmp(1.01), scene.icmp(5.01)]
    return scene


def nat_inside() -> Scene:
    scene = leased(next_server=OUTSIDE)
    scene.tftp(1, "grubx64.efi", server=OUTSIDE, requests=6)
    return scene


def nat_both() -> Scene:
    scene = nat_inside()
    fetch, flow = fetch_of(scene)
    outside = replace(flow, client="192.168.2.10", requests=[scene.at(1.01)], icmp=[])
    outside.oacks, outside.oack, outside.oack_count = [scene.at(1.02)], (("tsize", "9"),), 1
    outside.reply_from = (OUTSIDE, 45646)
    outside.icmp = [scene.icmp(1.03, sender="192.168.2.10", source=OUTSIDE, target="192.168.2.10")]
    fetch.views = [outside]
    return scene


def stranger() -> Scene:
    scene = tftp(requests=4)
    fetch_of(scene)[1].strangers = [("192.168.122.77", 40000, scene.at(1.1))]
    return scene


def mtu() -> Scene:
    scene = tftp(oack=True)
    flow = fetch_of(scene)[1]
    flow.icmp = [scene.icmp(1.2, 3, 4, sender="192.168.122.254", mtu=1400)]
    return scene


def mtu_silent() -> Scene:
    scene = tftp(oack=True, requests=2)
    fetch_of(scene)[1].ack_count = 3
    return scene


def repeated_block(*, acks: int = 4, acked: int = 0, block_size: int = 1468) -> Scene:
    """DATA 1 is sent again and again, and seen here each time; the machine repeats its ACK of the OACK."""
    scene = tftp(oack=True, data=block_size, block_size=block_size)
    flow = fetch_of(scene)[1]
    flow.body.packets, flow.body.retransmissions, flow.highest_block = 5, 4, 1
    flow.ack_count, flow.acked_block, flow.last_ack = acks, acked, scene.at(30 if acks > 1 else 1)
    return scene


def rollover() -> Scene:
    scene = tftp(data=65535 * 512, block_size=512, oack=True, size=40_000_000)
    flow = fetch_of(scene)[1]
    flow.highest_block = 65535
    return scene


def refused() -> Scene:
    scene = leased("tcp", "efi-x64-http", file=URL, option60="HTTPClient")
    connection = scene.connection(1, opened=False)
    connection.reset = scene.at(1.01)
    return scene


def filtered() -> Scene:
    scene = leased("tcp", "efi-x64-http", file=URL, option60="HTTPClient")
    connection = scene.connection(1, opened=False, syns=4)
    connection.icmp = [scene.icmp(1.1, 3, 13)]
    return scene


def dns() -> Scene:
    scene = leased("dns", "efi-x64-http", file="http://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    scene.lookup(1, "boot.lan", rcode=3)
    return scene


def mid_body() -> Scene:
    scene = web(status="failed", received=400)
    scene.here.connections[-1].reset = scene.at(9)
    return scene


def mid_body_after_cut_head() -> Scene:
    """The capture holds the beginning of the response's packet alone: the rest of that may have been the body's."""
    scene = mid_body()
    for connection in scene.here.connections:
        for exchange in connection.exchanges:
            assert exchange.response is not None
            exchange.response.length = 0
    return scene


def redirected() -> Scene:
    return web(status="failed", code=301, fields=(("Location", "https://192.168.122.1/ipxe.efi"),), length=0)


def redirected_for_ever(turns: int = 9) -> Scene:
    scene = leased("http", "ipxe-bios", file=URL)
    for turn in range(turns):
        scene.http(1 + turn, URL, code=302, fields=(("Location", "/ipxe.efi"),), length=0)
    return scene


def answer_unused(*, gave_up: bool = True) -> Scene:
    scene = leased("http", "efi-x64-http", file="https://192.168.122.1/ipxe.efi", option60="HTTPClient")
    connection = scene.connection(1, port=443)
    tls = connection.tls = TlsHandshake(TlsClientHello(None, ("1.2",)), scene.at(1.1))
    tls.application_bytes_from_client, tls.application_bytes_from_server = 190, 420
    connection.last_from_server = connection.last = scene.at(2)
    if gave_up:
        scene.stage("efi-x64-pxe")
        scene.discover(3)
    return scene


def disk(*, closed: bool = True) -> Scene:
    scene = Scene("ipxe-bios", at="nbp").lease()
    connection = scene.connection(1, port=3260)
    connection.last_from_server = scene.at(1.1)
    if closed:
        connection.fin_from_server = connection.last = scene.at(1.2)
    return scene


def left_disk() -> Scene:
    scene = disk(closed=False)
    connection = scene.here.connections[-1]
    connection.fin_from_client, connection.fin_from_server = scene.at(1.2), scene.at(1.3)
    return scene


def over_grub(**settings: object) -> Scene:
    scene = web()
    scene.stage("grub", dhcp=False)
    scene.http(5, "http://192.168.122.1/grub.cfg", role="script", **settings)  # type: ignore[arg-type]
    return scene


def kept_waiting() -> Scene:
    """What the machine says behind the certificate is lost: the server closes, and then the machine."""
    scene = handshake()
    (connection,) = scene.here.connections
    connection.fin_from_client = None
    connection.fin_from_server, connection.reset, connection.reset_by_client = scene.at(61.2), scene.at(61.3), True
    return scene


def handshake(
    alert: int | None = None,
    *,
    by_client: bool = True,
    answered: bool = True,
    names: tuple[str, ...] = ("boot.lan",),
    expired: bool = False,
    went_on: bool = False,
    client: str = "efi-x64-http",
) -> Scene:
    """A TLS connection that ends with an alert, or without one; `went_on`: the machine had accepted the certificate."""
    url = "https://boot.lan/ipxe.efi"
    scene = leased("tls", client, file=url, option60="HTTPClient", dns=SERVER)
    scene.lookup(0.5, "boot.lan", rcode=0, addresses=(SERVER,))
    connection = scene.connection(1, port=443)
    tls = connection.tls = TlsHandshake(TlsClientHello("boot.lan", ("1.2",), (0x2F,)), scene.at(1.1))
    if answered:
        tls.server_hello, tls.server_hello_at = TlsServerHello("1.2", 0x2F), scene.at(1.2)
        tls.certificate = TlsCertificate(
            "CN=boot.lan", "CN=Lab CA", names, 1, 2 if expired else None, self_signed=False
        )
        tls.certificate_at = connection.last_from_server = scene.at(1.2)
    if alert is not None:
        tls.alerts = [(TlsAlert(2, alert, f"alert {alert}"), scene.at(1.3), by_client)]
    tls.went_on = went_on
    connection.fin_from_client = scene.at(1.4)
    return scene


def in_a_container() -> Scene:
    scene = tftp(requests=4)
    fetch_of(scene)[1].strangers = [("172.17.0.2", 40000, scene.at(1.1))]
    return scene


def at_the_server() -> Scene:
    scene = tftp(requests=6)
    scene.world.host = HostFacts(listeners=(("udp", SERVER, 69),), addresses=(SERVER,))
    return scene


def ipxe_with(features: bytes) -> Scene:
    """IPXE that lists features in option 175 and was given an https URL."""
    scene = Scene("ipxe-bios", at="tls")
    asked = scene.heard(0, 1, options={175: features})
    scene.dhcp.discovers = (asked,)
    return scene.offer(0.1, file="https://a/x").request(0.2).ack(0.3, file="https://a/x")


def ranged(**settings: object) -> Scene:
    scene = web(status="failed", received=400)
    flow = scene.http(20, URL, **settings)  # type: ignore[arg-type]
    assert flow.request is not None
    flow.request.fields = (*flow.request.fields, ("Range", "bytes=400-"))
    return scene


def another_port() -> Scene:
    """A second answer of the server's, from a port of its own: TFTP is like that."""
    scene = stranger()
    fetch_of(scene)[1].strangers = [(SERVER, 40001, scene.at(1.1))]
    return scene


def server_recovers() -> Scene:
    scene = web(status="failed", code=503, length=0)
    scene.http(20, URL)
    return scene


FAULTS = {
    "arp-next-server-unanswered": arp,
    "dns-lookup-failed": dns,
    "tcp-refused": refused,
    "tcp-filtered": filtered,
    "tls-unsupported": lambda: leased("tls", "efi-x64-http", file="https://192.168.122.1/x.efi", option60="HTTPClient"),
    "tls-unknown-ca": lambda: handshake(48),
    "tls-certificate": lambda: handshake(45),
    "tls-version": lambda: handshake(70, by_client=False, answered=False),
    "tls-cipher": lambda: handshake(40, by_client=False, answered=False),
    "tls-client-certificate": lambda: handshake(116, by_client=False),
    "tls-handshake-failed": lambda: handshake(went_on=True),
    "tftp-no-reply": lambda: tftp(requests=6),
    "tftp-server-down": server_down,
    "tftp-nat-loss": nat_inside,
    "tftp-reply-from-other-ip": stranger,
    "tftp-file-not-found": lambda: tftp(status="failed", error=1, text="File not found"),
    "tftp-access-violation": lambda: tftp(status="failed", error=2, text="Permission denied"),
    "tftp-error": lambda: tftp(status="failed", error=0, text="no such directory service"),
    "tftp-option-negotiation-refused": lambda: tftp(status="failed", error=8, text="no options"),
    "tftp-mtu-blackhole": mtu,
    "tftp-block-rollover": rollover,
    "tftp-timeout-mid-transfer": lambda: tftp(oack=True, data=100_000, size=900_000),
    "tftp-client-aborts": lambda: tftp(
        status="failed", oack=True, data=9000, error=3, by_client=True, text="too large"
    ),
    "http-404": lambda: web(status="failed", code=404, length=0),
    "http-403": lambda: web(status="failed", code=403, length=0),
    "http-4xx": lambda: web(status="failed", code=429, length=0),
    "http-page-instead-of-file": lambda: web(content=PAGE),
    "http-5xx": lambda: web(status="failed", code=502, length=0),
    "http-redirect-not-followed": redirected,
    "http-redirect-loop": redirected_for_ever,
    "tls-answer-unused": answer_unused,
    "iscsi-login-refused": disk,
    "http-no-length": lambda: over_grub(status="failed", fields=(("Transfer-Encoding", "chunked"),), length=None),
    "http-lowercase-header": lambda: over_grub(fields=(("content-length", "1000"),)),
    "http-content-type-not-boot": lambda: web(
        "http://192.168.122.1/boot.php", fields=(("Content-Type", "text/html"), ("Content-Length", "9"))
    ),
    "http-plain-disabled": lambda: leased("http", "efi-x64-http", file=URL, option60="HTTPClient"),
    "tcp-reset-or-stall-mid-body": mid_body,
    "tftp-server-in-bridged-container": in_a_container,
    "tftp-reply-blocked-at-server": at_the_server,
    "http-range-unsupported": lambda: ranged(code=200),
    "http-proxy-in-the-way": lambda: web(status="failed", code=407, length=0),
}


def probed() -> Scene:
    scene = leased("nbp")
    scene.tftp(1, "grubx64.efi", "probe", oack=True, error=8, by_client=True)
    scene.tftp(2, "grubx64.efi", "complete", content=PE_X64_SIGNED)
    return scene


def nat_near() -> Scene:
    return tftp(requests=6)


def nat_here(*, forwards: bool | None = None, assigned: bool | None = None, loaded: bool | None = None) -> Scene:
    """The capturing host is the router."""
    scene = nat_inside()
    scene.world.host = HostFacts(
        masquerades=("192.168.122.0/24",),
        addresses=(SERVER,),
        forwards=forwards,
        tftp_helper_assigned=assigned,
        tftp_helper_loaded=loaded,
    )
    return scene


def nat_answers() -> Scene:
    """A program came from the same server, and one more file of it does not."""
    scene = leased(next_server=OUTSIDE)
    scene.tftp(1, "shimx64.efi", "complete", server=OUTSIDE)
    scene.tftp(5, "grubx64.efi", server=OUTSIDE, requests=6)
    return scene


def nat_icmp() -> Scene:
    scene = nat_inside()
    fetch_of(scene)[1].icmp = [scene.icmp(1.1, 3, 3, sender=OUTSIDE)]
    return scene


def refused_by_client() -> Scene:
    """The client's side reports its own closed port: no server is down."""
    scene = tftp(requests=2)
    flow = fetch_of(scene)[1]
    flow.icmp = [scene.icmp(1.2, 3, 3, sender=CLIENT, source=SERVER, target=CLIENT)]
    return scene


def own_address() -> Scene:
    return leased("tftp").arp(CLIENT, 1, 2, 3)


def second_address_answers() -> Scene:
    scene = leased("dns", "efi-x64-http", file="http://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    scene.lookup(1, "boot.lan", rcode=0, addresses=(SERVER,))
    scene.lookup(1, "boot.lan", rcode=3)
    return scene


def made_good() -> Scene:
    scene = web(status="failed", received=400)
    scene.http(20, URL, code=206)
    return scene


def page_then_program() -> Scene:
    scene = web(content=PAGE)
    scene.http(9, URL, content=PE_X64_SIGNED)
    return scene


def followed() -> Scene:
    scene = redirected()
    scene.connection(2, port=443)
    return scene


LOOKALIKES = [
    ("tftp-reply-from-other-ip", "another port of the same address", another_port),
    ("http-5xx", "the next request is answered", server_recovers),
    ("tls-client-certificate", "the machine refuses the server's certificate", lambda: handshake(42)),
    ("tls-version", "no cipher that both know", lambda: handshake(40, by_client=False, answered=False)),
    ("iscsi-login-refused", "a disk in use", lambda: disk(closed=False)),
    ("iscsi-login-refused", "a disk with nothing to start on it", left_disk),
    ("http-redirect-loop", "a few redirects", lambda: redirected_for_ever(4)),
    ("http-redirect-not-followed", "iPXE that follows in a circle", redirected_for_ever),
    ("tls-answer-unused", "nothing more is heard", lambda: answer_unused(gave_up=False)),
    ("tls-unsupported", "iPXE says that it can do https", lambda: ipxe_with(b"\x13\x01\x01\x14\x01\x01")),
    ("tftp-server-in-bridged-container", "another address of the server's own", stranger),
    ("tftp-reply-blocked-at-server", "nothing known of the host", lambda: tftp(requests=6)),
    (
        "http-range-unsupported",
        "206 with Content-Range",
        lambda: ranged(code=206, fields=(("Content-Range", "bytes 400-999/1000"),)),
    ),
    ("http-proxy-in-the-way", "the server itself denies it", lambda: web(status="failed", code=403)),
    ("arp-next-server-unanswered", "conflict detection for the machine's own address", own_address),
    ("arp-next-server-unanswered", "an answer came", lambda: leased("tftp").arp(SERVER, 1, 2, answered=True)),
    ("dns-lookup-failed", "another query for the name went well", second_address_answers),
    ("tcp-refused", "a connection that was reset after data", mid_body),
    ("tcp-filtered", "a closed port", refused),
    ("tls-unsupported", "plain http", lambda: leased("http", "efi-x64-http", file=URL, option60="HTTPClient")),
    ("tls-unsupported", "a ClientHello is there", lambda: handshake(48)),
    ("tls-handshake-failed", "the alert says why", lambda: handshake(48)),
    ("tls-handshake-failed", "the machine leaves at a certificate that fits", handshake),
    ("tls-unknown-ca", "the certificate was accepted", lambda: handshake(went_on=True)),
    ("tls-unknown-ca", "the certificate has expired", lambda: handshake(expired=True, client="ipxe-efi-x64")),
    ("tls-certificate", "edk2 does not look at times", lambda: handshake(expired=True)),
    ("tls-unknown-ca", "the server closes after a minute", kept_waiting),
    ("tls-unknown-ca", "no certificate could be read", lambda: handshake(answered=False)),
    ("tls-handshake-failed", "the certificate has expired", lambda: handshake(expired=True)),
    ("tls-handshake-failed", "the certificate is for another name", lambda: handshake(names=("www.lan",))),
    ("tls-certificate", "a wildcard covers the name", lambda: handshake(names=("*.lan",))),
    ("tls-cipher", "the server had chosen a cipher already", lambda: handshake(40, by_client=False)),
    ("tftp-no-reply", "a size probe", probed),
    ("tftp-no-reply", "a server that refuses by ICMP", server_down),
    ("tftp-no-reply", "an answer from elsewhere", stranger),
    ("tftp-server-down", "port unreachable from the client's side", refused_by_client),
    ("tftp-server-down", "silence", lambda: tftp(requests=6)),
    ("tftp-nat-loss", "a server on the same network", nat_near),
    ("tftp-nat-loss", "a host that forwards nothing", lambda: nat_here(forwards=False)),
    (
        "tftp-nat-loss",
        "a host that assigns the helper",
        lambda: nat_here(assigned=True, loaded=True),
    ),
    ("tftp-nat-loss", "a server that refuses by ICMP", nat_icmp),
    ("tftp-nat-loss", "a server whose other answers arrive", nat_answers),
    ("tftp-file-not-found", "a name of a search list", lambda: tftp(status="optional", error=1, role="config-search")),
    ("tftp-file-not-found", "an optional extra", lambda: tftp(status="optional", error=1, role="optional")),
    ("tftp-error", "a missing file", lambda: tftp(status="failed", error=1)),
    ("tftp-error", "a missing file, told in words", lambda: tftp(status="failed", error=0, text="File not found")),
    ("tftp-error", "a file that may not be read", lambda: tftp(status="failed", error=0, text="Permission denied")),
    ("tftp-error", "an option that is refused", lambda: tftp(status="failed", error=8)),
    ("tftp-error", "a name of a search list", lambda: tftp(status="optional", error=3, role="config-search")),
    ("tftp-access-violation", "a missing file", lambda: tftp(status="failed", error=1)),
    ("tftp-option-negotiation-refused", "edk2's own abort before it asks again", probed),
    ("tftp-client-aborts", "edk2's own abort before it asks again", probed),
    ("tftp-mtu-blackhole", "no OACK at all", lambda: tftp(requests=6)),
    ("tftp-mtu-blackhole", "a size probe", probed),
    ("tftp-mtu-blackhole", "a machine that was switched off", lambda: repeated_block(acks=1)),
    ("tftp-mtu-blackhole", "small blocks", lambda: repeated_block(block_size=512)),
    ("tftp-mtu-blackhole", "later blocks were acknowledged", lambda: repeated_block(acked=3)),
    ("tftp-timeout-mid-transfer", "no block was ever taken", repeated_block),
    ("tftp-block-rollover", "a transfer that stopped elsewhere", lambda: tftp(oack=True, data=100_000)),
    ("tftp-timeout-mid-transfer", "the end of block numbers", rollover),
    ("http-404", "an optional extra", lambda: web(status="optional", code=404, role="optional")),
    ("http-4xx", "a missing file", lambda: web(status="failed", code=404)),
    ("http-4xx", "a login is wanted", lambda: web(status="failed", code=401)),
    ("http-4xx", "a proxy's login", lambda: web(status="failed", code=407)),
    ("http-4xx", "an optional extra", lambda: web(status="optional", code=404, role="optional")),
    ("http-page-instead-of-file", "the page of an error", lambda: web(status="failed", code=404, content=PAGE)),
    ("http-page-instead-of-file", "the program itself", lambda: web(content=PE_X64_SIGNED)),
    ("http-page-instead-of-file", "something came after it", page_then_program),
    ("http-403", "a missing file", lambda: web(status="failed", code=404)),
    ("http-redirect-not-followed", "a connection to the new place", followed),
    (
        "http-no-length",
        "chunked, and the firmware took it",
        lambda: web(fields=(("Transfer-Encoding", "chunked"),), length=None),
    ),
    ("http-lowercase-header", "edk2 reads either spelling", lambda: web(fields=(("content-length", "1000"),))),
    ("http-lowercase-header", "the usual spelling", over_grub),
    ("http-content-type-not-boot", "a name that ends in .efi", lambda: web(fields=(("Content-Type", "text/plain"),))),
    (
        "http-content-type-not-boot",
        "the right type",
        lambda: web("http://a/b.php", fields=(("Content-Type", "application/efi"),)),
    ),
    ("http-plain-disabled", "a fetch that failed", lambda: web(status="failed", code=404)),
    ("tcp-reset-or-stall-mid-body", "the head was cut in the capture", mid_body_after_cut_head),
    ("tcp-reset-or-stall-mid-body", "a range request brought the rest", made_good),
]
