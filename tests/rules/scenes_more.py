"""Scenes of faults that need a second look at names, identities, closed connections, and what looks like them."""

from __future__ import annotations

from collections.abc import Callable

from bootsniff.flow.records import Body, HttpExchange
from bootsniff.model import NANOSECONDS, FetchStatus
from bootsniff.wire.transfers import BootContent, HttpHead

from .scene import CLIENT, PE_X64, SCRIPT, SERVER, Scene, packed

DEEP = "installers/debian/trixie/2026-01-15/amd64/" + "netboot-" * 8 + "signed/bootx64.efi"
SHIM = BootContent("pe", "EFI application, x86-64, signed", 0x8664, signed=True, efi=True, details=("shim",))
RASPBERRY = b"\x06\x01\x03\x0a\x04\x00PXE\x09\x14\x00\x00\x11Raspberry Pi Boot\xff"
URL = f"http://{SERVER}/ipxe.efi"


def long_name(asked: str = DEEP[:64], *, named: str = DEEP, error: int | None = 1) -> Scene:
    scene = Scene("bios-pxe", at="tftp").lease(option67=named)
    scene.tftp(1, asked, "failed", error=error)
    return scene


def silent_about(named: str, client: str = "bios-pxe") -> Scene:
    return Scene(client, at="tftp").lease(option67=named)


def unicast(target: str = CLIENT, *, broadcast: bool = True, **offer: object) -> Scene:
    settings = {"file": "grubx64.efi"} | offer
    scene = Scene(at="dhcp").discover(0, 4, 12, 28)
    for heard in scene.dhcp.discovers:
        heard.message.broadcast = broadcast
    for second in (0.1, 4.1):
        scene.offer(second, **settings)
        scene.dhcp.offers[-1].target = target
    return scene


def two_identities(
    *, same: bool = False, second: str = "192.168.122.40", spelled: bool = False, found: bool = False
) -> Scene:
    """The firmware without an identifier, the system with one of its own, whose configuration is refused."""
    scene = Scene("ipxe-efi-x64", at="os").lease(file="menu.ipxe")
    scene.stage("os")
    scene.discover(40).offer(40.1, your=second)
    identifier = b"\1" + bytes.fromhex("525400893247") if spelled else b"\xff\x12\x34\x56\x78\0\2"
    options = {54: packed(SERVER), 50: packed(second)} | ({} if same else {61: identifier})
    scene.dhcp.requests = (scene.heard(40.2, 3, options=options),)
    scene.ack(40.3, your=second)
    scene.http(50, f"http://{SERVER}/ks.cfg", "complete" if found else "failed", code=200 if found else 403, role="os")
    return scene


def foreign43(
    value: bytes = b"10.20.30.40", *, option60: str | None = "PXEClient", client: str = "efi-x64-pxe"
) -> Scene:
    return Scene(client, at="proxydhcp").lease(file="grubx64.efi", option60=option60, option43=value)


def raspberry(value: bytes | None = None) -> Scene:
    scene = Scene("bios-pxe", at="dhcp")
    scene.here.client = "raspberry-pi"
    return scene.discover(0, 2, 4).offer(0.1, option43=value, option60="PXEClient")


def closed(
    *, version: str = "1.0", fields: tuple[tuple[str, str], ...] = (), answered: bool = False, reset: bool = False
) -> Scene:
    """HEAD is answered and the connection closed; GET follows on it. `reset`: the server does not even read it."""
    scene = Scene("efi-x64-http", at="http").lease(file=URL, option60="HTTPClient")
    first = scene.http(1, URL, "probe", method="HEAD", fields=(("Content-Length", "1000"), *fields))
    assert first.response is not None
    first.response.version = version
    connection = first.connection
    connection.fin_from_server = scene.at(1.6)
    request = HttpHead("GET", "/ipxe.efi", "1.1", None, "", (("Host", SERVER),), 90)
    flow = HttpExchange(connection, request, scene.at(1.7), URL)
    flow.last = scene.at(1.7)
    connection.exchanges.append(flow)
    connection.reset = scene.at(1.8) if reset else None
    scene.fetch(flow, "failed", "boot-file", None)
    if answered:
        scene.http(3, URL, content=PE_X64)
    return scene


def renamed_shim(
    asked: str = "ipxe.efi", *, shim: str = "snponly-shimx64.efi", content: BootContent = SHIM, error: int = 1
) -> Scene:
    scene = Scene(at="chain").lease(file=shim)
    scene.tftp(1, shim, "complete", content=content)
    scene.tftp(3, asked, "failed", role="other", error=error)
    return scene


def no_address6(*, code: int = 2, later: bool = False) -> Scene:
    scene = Scene(at="dhcp")
    exchange = scene.solicit(0, 1, 3)
    refusal = scene.heard6(0.1, 2, url="tftp://[fd00::1]/x.efi")
    refusal.message.status = (code, "no addresses available")
    exchange.advertises = (refusal,)
    if later:
        exchange.advertises += (scene.heard6(3.1, 2, url="tftp://[fd00::1]/x.efi", addresses=("fd00::5",)),)
    return scene


def over_a_long_line(
    *, seconds: float = 90, blocks: int = 3000, window: int = 1, repeated: int = 0, wait: float = 0.04
) -> Scene:
    scene = Scene(status="handed-off", at=None).lease(file="grubx64.efi")
    flow = scene.tftp(1, "grubx64.efi", "complete", content=PE_X64, block_size=512)
    flow.body = Body(
        received=512 * blocks,
        packets=blocks,
        retransmissions=repeated,
        longest_wait=round(wait * NANOSECONDS),
        first=scene.at(1),
        last=scene.at(1 + seconds),
        newest=scene.at(1 + seconds),
    )
    flow.highest_block, flow.window_size, flow.complete, flow.last = blocks, window, True, scene.at(1 + seconds)
    return scene


def bound6(
    *,
    url: str = "tftp://[fd00::1]/x.efi",
    parameters: tuple[str, ...] = (),
    address: str = "fd00::5",
    router: bool = False,
    client: str = "efi-x64-pxe",
) -> Scene:
    """The whole DHCPv6 exchange, and nothing after it."""
    scene = Scene(client, at="tftp")
    exchange = scene.solicit(0)
    exchange.advertises = (scene.heard6(0.1, 2, url=url, addresses=(address,)),)
    exchange.requests = (scene.heard6(0.2, 3),)
    reply = scene.heard6(0.3, 7, url=url, addresses=(address,))
    reply.message.boot_file_parameters = parameters
    exchange.replies = (reply,)
    if router:
        scene.world.router_advertisements[scene.machine.vlan] = scene.at(0.05)
    return scene


def unanswered6(
    *,
    managed: bool = True,
    times: tuple[float, ...] = (0, 4, 12, 28),
    answered: bool = False,
    client: str = "efi-x64-pxe",
) -> Scene:
    """SOLICITs where a router says that addresses come from DHCPv6."""
    scene = Scene(client)
    world = scene.world
    world.router_advertisements[scene.machine.vlan] = scene.at(-1)
    if managed:
        world.managed6[scene.machine.vlan] = scene.at(-1)
    exchange = scene.solicit(*times)
    if answered:
        exchange.advertises = (scene.heard6(0.1, 2),)
    return scene


def proxy_for_firmware(*, for_ipxe: bool = False, server: str = "192.168.122.9") -> Scene:
    scene = Scene(at="chain").discover(0).offer(0.1).proxy(0.1, server=server, option60="PXEClient", file="ipxe.efi")
    scene.request(0.2).ack(0.3)
    scene.tftp(1, "ipxe.efi", "complete", content=PE_X64)
    scene.stage("ipxe-efi-x64")
    scene.lease(10)
    if for_ipxe:
        scene.proxy(10.1, option60="PXEClient")
    return scene


def windows(
    *, window: int = 4, seconds: float = 80, blocks: int = 20, repeated: int = 0, wait: float = 4.1, size: int = 1468
) -> Scene:
    scene = Scene(at="tftp").lease(file="grubx64.efi")
    flow = scene.tftp(1, "grubx64.efi", oack=True, data=size * blocks, size=900_000)
    flow.body = Body(
        received=size * blocks,
        packets=blocks,
        retransmissions=repeated,
        longest_wait=round(wait * NANOSECONDS),
        first=scene.at(1),
        last=scene.at(1 + seconds),
        newest=scene.at(1 + seconds),
    )
    flow.highest_block, flow.window_size = blocks, window
    return scene


def doubled(*, repeated: int = 3000, acks: int = 6000, window: int = 1, wait: float = 0.02) -> Scene:
    scene = over_a_long_line(seconds=10, window=window, repeated=repeated, wait=wait)
    scene.here.fetches[-1].flow.ack_count = acks  # type: ignore[union-attr]
    return scene


def scripts(*names: str, turns: int = 4, gap: float = 0.1) -> Scene:
    """These scripts are fetched by iPXE over and over."""
    scene = Scene("ipxe-bios", at="chain").lease(file=f"http://{SERVER}/{names[0]}")
    for number, name in enumerate(names * turns):
        scene.http(1 + number * gap, f"http://{SERVER}/{name}", role="script", content=SCRIPT)
    return scene


def unanswered(*, code: int | None = None, status: FetchStatus = "stalled") -> Scene:
    scene = Scene("ipxe-bios", at="http").lease(file=URL)
    connection = scene.http(1, URL, status, code=code, received=0).connection
    connection.syn_ack = connection.last_from_server = scene.at(1)
    return scene


def unheard() -> Scene:
    scene = Scene("ipxe-bios", at="http").lease(file=URL)
    scene.http(1, URL, "stalled", received=0)
    return scene


def _answered_later(scene: Scene) -> Scene:
    scene.http(30, URL)
    return scene


def response_lost(*, taken: int = 0, repeats: int = 6, heard: float = 20) -> Scene:
    """A response of 5,000 bytes that the server repeats; the machine's latest packet acknowledges `taken` bytes of it."""
    scene = unanswered(code=200)
    flow = scene.machine.boots[-1].stages[-1].fetches[-1].flow
    assert isinstance(flow, HttpExchange)
    flow.body.received, flow.body.packets, flow.body.retransmissions = 5000, 4 + repeats, repeats
    flow.body.newest = flow.body.last = flow.response_at = scene.at(1.1)
    flow.begin, flow.sent, flow.content_length = 300, 5300, 5000
    flow.connection.last_from_client, flow.connection.acknowledged = scene.at(heard), 300 + taken
    return scene


def ghost(target: str = "192.168.122.99") -> Scene:
    """A lease whose router does not exist, for a server elsewhere."""
    return (
        Scene(at="arp")
        .lease(file="grubx64.efi", next_server="10.9.8.7", router="192.168.122.99")
        .arp(target, 1, 2, 3, 4)
    )


def reply_lost(*, requests: int = 6, acknowledged: bool = False) -> Scene:
    scene = Scene("ipxe-bios", at="tftp").lease(file="pxelinux.0")
    flow = scene.tftp(1, "pxelinux.0", requests=requests, oack=True)
    flow.oack_count, flow.ack_count = 12, int(acknowledged)
    return scene


def acks_lost(*, again: tuple[float, ...] = (2, 4, 8), requested: float = 1, data: int = 0) -> Scene:
    """The first ACK of an OACK, and when the server sent that again; `requested`: when the machine last asked anew."""
    scene = Scene("ipxe-bios", at="tftp").lease(file="pxelinux.0")
    flow = scene.tftp(1, "pxelinux.0", oack=True, data=data)
    flow.requests = [scene.at(1), *([scene.at(requested)] if requested > 1 else [])]
    flow.newest_ack = scene.at(1.2)
    flow.oacks, flow.oack_count = [scene.at(1.1), *(scene.at(second) for second in again)], 1 + len(again)
    flow.ack_count = 1 + len(again)
    return scene


def first_block_again(*, oack: bool = False, acks: int = 4) -> Scene:
    """A server that takes no options, and repeats DATA 1 although the machine acknowledges it."""
    scene = Scene("ipxe-bios", at="tftp").lease(file="pxelinux.0")
    flow = scene.tftp(1, "pxelinux.0", data=511, block_size=512)
    flow.highest_block = flow.acked_block = 1
    flow.newest_ack, flow.ack_count = scene.at(1.2), acks
    flow.body.retransmissions, flow.last_from_server = 3, scene.at(8)
    flow.oack_count = int(oack)
    return scene


FAULTS: dict[str, Callable[[], Scene]] = {
    "tftp-reply-lost": reply_lost,
    "tftp-acks-lost": acks_lost,
    "http-no-response": unanswered,
    "http-response-lost": response_lost,
    "chain-script-loop": lambda: scripts("a.ipxe", "b.ipxe"),
    "dhcp-bootfile-too-long": long_name,
    "dhcp-reply-unicast-not-delivered": unicast,
    "dhcp-identity-changes-between-stages": two_identities,
    "option43-foreign-content": foreign43,
    "http-10-connection-close": closed,
    "chain-shim-loader-name": renamed_shim,
    "v6-stateless-not-supported": no_address6,
    "v6-no-advertise": unanswered6,
    "tftp-slow-lockstep": over_a_long_line,
    "tftp-duplicate-data-storm": doubled,
    "v6-ra-missing-or-bootparam": lambda: bound6(parameters=("\\BCD",)),
    "chain-ipxe-proxydhcp-wait": proxy_for_firmware,
    "tftp-windowsize-trouble": windows,
}

LOOKALIKES: list[tuple[str, str, Callable[[], Scene]]] = [
    ("tftp-acks-lost", "an OACK that was on its way", lambda: acks_lost(again=(2,))),
    ("tftp-acks-lost", "the machine asked anew", lambda: acks_lost(requested=5)),
    ("tftp-acks-lost", "blocks came", lambda: acks_lost(data=9000)),
    ("tftp-acks-lost", "one ACK, and the machine is gone", lambda: first_block_again(acks=1)),
    ("tftp-acks-lost", "the OACK was heard", lambda: first_block_again(oack=True)),
    ("tftp-mtu-blackhole", "the server did not hear ACK 0", acks_lost),
    ("tftp-reply-lost", "an ACK", lambda: reply_lost(acknowledged=True)),
    ("tftp-reply-lost", "one request", lambda: reply_lost(requests=1)),
    ("http-no-response", "a capture of one direction", unheard),
    ("http-no-response", "an error", lambda: unanswered(code=500, status="failed")),
    ("http-no-response", "an answer that breaks off", lambda: unanswered(code=200)),
    ("http-no-response", "it came later", lambda: _answered_later(unanswered())),
    ("http-no-response", "it is still under way", lambda: unanswered(status="in-progress")),
    ("http-response-lost", "some of it is taken", lambda: response_lost(taken=1448)),
    ("http-response-lost", "a machine that says no more", lambda: response_lost(heard=1.15)),
    ("http-response-lost", "one repetition", lambda: response_lost(repeats=1)),
    ("http-response-lost", "nothing was sent", unanswered),
    ("chain-script-loop", "a script that waits", lambda: scripts("a.ipxe", turns=20, gap=5)),
    ("chain-script-loop", "three times", lambda: scripts("a.ipxe", "b.ipxe", turns=3)),
    ("chain-script-loop", "other scripts", lambda: scripts(*(f"{number}.ipxe" for number in range(20)), turns=1)),
    ("dhcp-bootfile-too-long", "the whole name is asked for", lambda: long_name(DEEP)),
    ("dhcp-bootfile-too-long", "one byte is missing", lambda: long_name(DEEP[:-1])),
    ("dhcp-bootfile-too-long", "another name", lambda: long_name("x" * 64)),
    ("dhcp-bootfile-too-long", "a directory of the name", lambda: long_name("installers")),
    ("dhcp-bootfile-too-long", "a short name, and silence", lambda: silent_about("pxelinux.0")),
    (
        "dhcp-bootfile-too-long",
        "a long URL for HTTP boot",
        lambda: silent_about("http://a/" + "x" * 200, "efi-x64-http"),
    ),
    ("dhcp-reply-unicast-not-delivered", "a broadcast", lambda: unicast("255.255.255.255")),
    ("dhcp-reply-unicast-not-delivered", "the offer is taken", lambda: unicast().request(5)),
    ("dhcp-reply-unicast-not-delivered", "to a relay", lambda: unicast("192.168.5.1")),
    ("dhcp-reply-unicast-not-delivered", "no boot file either", lambda: unicast(file=None)),
    ("dhcp-identity-changes-between-stages", "the same identifier", lambda: two_identities(same=True)),
    (
        "dhcp-identity-changes-between-stages",
        "the hardware address as identifier",
        lambda: two_identities(spelled=True),
    ),
    ("dhcp-identity-changes-between-stages", "the same address", lambda: two_identities(second=CLIENT)),
    ("dhcp-identity-changes-between-stages", "the configuration arrives", lambda: two_identities(found=True)),
    ("option43-foreign-content", "PXE's own", lambda: foreign43(b"\x06\x01\x08\xff")),
    ("option43-foreign-content", "no PXEClient", lambda: foreign43(option60=None)),
    ("option43-foreign-content", "iPXE", lambda: foreign43(client="ipxe-efi-x64")),
    ("option43-foreign-content", "Raspberry Pi Boot", lambda: raspberry(RASPBERRY)),
    ("http-10-connection-close", "a new connection for GET", lambda: closed(answered=True)),
    ("http-10-connection-close", "keep-alive", lambda: closed(fields=(("Connection", "keep-alive"),))),
    ("http-10-connection-close", "HTTP/1.1", lambda: closed(version="1.1")),
    ("chain-shim-loader-name", "GRUB", lambda: renamed_shim("grubx64.efi")),
    ("chain-shim-loader-name", "no shim before", lambda: renamed_shim(shim="x.efi", content=PE_X64)),
    ("chain-shim-loader-name", "access denied", lambda: renamed_shim(error=2)),
    ("v6-no-advertise", "a router that gives addresses itself", lambda: unanswered6(managed=False)),
    ("v6-no-advertise", "an answer", lambda: unanswered6(answered=True)),
    ("v6-no-advertise", "the first SOLICIT", lambda: unanswered6(times=(0,))),
    ("v6-no-advertise", "iPXE", lambda: unanswered6(client="ipxe-efi-x64")),
    ("v6-stateless-not-supported", "another status", lambda: no_address6(code=3)),
    ("v6-stateless-not-supported", "an address came later", lambda: no_address6(later=True)),
    ("tftp-slow-lockstep", "a window", lambda: over_a_long_line(window=4)),
    ("tftp-slow-lockstep", "lost blocks", lambda: over_a_long_line(repeated=300)),
    ("tftp-slow-lockstep", "one long wait", lambda: over_a_long_line(wait=80)),
    ("tftp-slow-lockstep", "a large file on a fast line", lambda: over_a_long_line(blocks=100_000)),
    ("tftp-slow-lockstep", "a short transfer", lambda: over_a_long_line(seconds=20)),
    ("v6-ra-missing-or-bootparam", "a size", lambda: bound6(parameters=("1024",))),
    ("v6-ra-missing-or-bootparam", "nothing special", bound6),
    ("v6-ra-missing-or-bootparam", "a router advertises", lambda: bound6(address="fd00:0:0:9::5", router=True)),
    ("v6-ra-missing-or-bootparam", "iPXE", lambda: bound6(parameters=("x y",), client="ipxe-efi-x64")),
    ("v6-no-bootfile-url", "a URL that fits", bound6),
    ("v6-no-bootfile-url", "a URL for HTTP", lambda: bound6(url="http://[fd00::1]/x.efi", client="efi-x64-http")),
    ("chain-ipxe-proxydhcp-wait", "the proxy answers iPXE too", lambda: proxy_for_firmware(for_ipxe=True)),
    ("chain-ipxe-proxydhcp-wait", "one server for both", lambda: proxy_for_firmware(server=SERVER)),
    ("tftp-duplicate-data-storm", "blocks that were lost", lambda: doubled(wait=4)),
    ("tftp-duplicate-data-storm", "a window", lambda: doubled(window=8)),
    ("tftp-duplicate-data-storm", "ACKs once each", lambda: doubled(acks=3000)),
    ("tftp-duplicate-data-storm", "a healthy transfer", lambda: doubled(repeated=0, acks=3000)),
    ("tftp-windowsize-trouble", "no window", lambda: windows(window=1)),
    ("tftp-windowsize-trouble", "a good pace", lambda: windows(seconds=2)),
    ("tftp-windowsize-trouble", "one long wait", lambda: windows(wait=70)),
    ("tftp-windowsize-trouble", "few losses", lambda: windows(blocks=4000, seconds=20, repeated=100)),
]
