"""Scenes of answers that the machine asks for again as if they had not come, and what looks like them."""

from __future__ import annotations

from collections.abc import Callable

from bootsniff.track.exchanges import Dhcp6Exchange

from .scene import SERVER, Scene

FOUR = (0, 4, 12, 28)
URL = "http://192.168.122.1/x.efi"


def offers(client: str = "efi-x64-pxe", times: int = 4, **settings: object) -> Scene:
    """Offers with what the machine needs, and DISCOVERs behind them."""
    scene = Scene(client)
    for second in FOUR[:times]:
        scene.discover(second).offer(second + 0.1, **{"file": "grubx64.efi", **settings})
    return scene


def taken_silently() -> Scene:
    scene = offers("raspberry-pi", option43=b"\x09\x14\x00\x00\x11Raspberry Pi Boot\xff", file=None)
    scene.tftp(1, "start4.elf", "stalled")
    return scene


def acks(times: int = 4, *, gap: float = 4) -> Scene:
    scene = Scene().discover(0).offer(0.1, file="grubx64.efi")
    for number in range(times):
        scene.request(1 + gap * number).ack(1.1 + gap * number, file="grubx64.efi")
    return scene


def at_4011(times: int = 4, *, fetched: bool = False) -> Scene:
    """A boot server that answers each time; `fetched`: what it names is asked for."""
    scene = Scene(at="proxydhcp").lease().proxy(0.15)
    for number in range(times):
        scene.to_4011(1 + 2 * number)
        scene.dhcp.pxe_replies += (scene.heard(1.01 + 2 * number, 5, reply=True, source="192.168.122.9"),)
    if fetched:
        scene.tftp(20, "x.efi", "stalled", server="192.168.122.9")
    return scene


def requests(times: int = 4, *, server: str = SERVER) -> Scene:
    scene = Scene().discover(0).offer(0.1, file="grubx64.efi")
    for number in range(times):
        scene.request(1 + 4 * number, server)
    return scene


def arps(times: int = 5, *, target: str = SERVER) -> Scene:
    """Questions that are answered from the first one on."""
    scene = Scene(at="arp").lease(file="grubx64.efi").arp(target, *range(1, times + 1))
    scene.here.arps[0].reply = scene.at(1.01)
    return scene


def arps_and_files() -> Scene:
    scene = arps()
    scene.tftp(2, "grubx64.efi", "stalled")
    return scene


def found(*, answered: bool = True, file: str | None = "grubx64.efi") -> Scene:
    """A lease with a boot file, the server's ARP answer, and nothing more."""
    scene = Scene(at="tftp").lease(file=file).arp(SERVER, 1)
    if answered:
        scene.here.arps[0].reply = scene.at(1.01)
    return scene


def leased(*, fetches: bool = True, unicast: bool = True) -> Scene:
    """A lease with a boot file, nothing behind it, in a capture that shows fetches of others and unicast packets, or not."""
    scene = Scene(at="tftp").lease(file="grubx64.efi")
    scene.world.quality.sees_fetches, scene.world.quality.unicast_seen = fetches, unicast
    return scene


def found_and_asked() -> Scene:
    scene = found()
    scene.tftp(2, "grubx64.efi", "stalled")
    return scene


def found_and_connected() -> Scene:
    scene = found()
    scene.connection(2)
    return scene


def syns(times: int = 4, *, answered: bool = True) -> Scene:
    scene = Scene("efi-x64-http", at="tcp").lease(file=URL, option60="HTTPClient")
    connection = scene.connection(1, syns=times, opened=False)
    if answered:
        connection.syn_ack = scene.at(1.01)
    return scene


OTHER = "00:16:3e:99:99:99"


def astray(*, heard: bool = False, routed: bool = False) -> Scene:
    """Answers go to another MAC; `heard`: the machine acknowledges behind it, `routed`: it asked by way of a router."""
    scene = Scene(at="tftp").lease(file="grubx64.efi")
    flow = scene.tftp(1, "grubx64.efi", requests=6)
    flow.reply_from, flow.oacks, flow.oack_count = (SERVER, 40000), [scene.at(1.01), scene.at(5.01)], 2
    flow.astray = OTHER, scene.at(21.1)
    if routed:
        flow.client_mac = "00:00:5e:00:01:01"
    if heard:
        flow.last_ack, flow.ack_count = scene.at(21.2), 1
    return scene


def syn_acks_astray(*, later: bool = False) -> Scene:
    """The same of a connection; `later`: another one came about."""
    scene = syns()
    scene.here.connections[0].astray = OTHER, scene.at(9)
    if later:
        scene.connection(30)
    return scene


def connected() -> Scene:
    scene = syns()
    scene.connection(30)
    return scene


def queries(times: int = 4, *, rcode: int = 0) -> Scene:
    scene = Scene("efi-x64-http", at="dns").lease(file="http://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    scene.lookup(1, "boot.lan", rcode=rcode, addresses=() if rcode else (SERVER,), queries=times)
    return scene


def queries_and_connection() -> Scene:
    scene = queries()
    scene.connection(20, opened=False, syns=3)
    return scene


def advertises(*times: float, url: str | None = "tftp://[fd00::1]/x.efi") -> Scene:
    scene = Scene()
    exchange = scene.solicit(*(times or FOUR))
    exchange.advertises = (scene.heard6(exchange.solicits[0].time / 1e9 - 1_700_000_000 + 0.1, 2, url=url,
                                        addresses=("fd00::100",)),)  # fmt: skip
    exchange.advertise_count = 1
    return scene


def requests6(times: int = 3, *, advertised: bool = True, replied: bool = False) -> Scene:
    """REQUESTs behind an ADVERTISE."""
    scene = advertises(0)
    exchange = scene.here.dhcp
    assert isinstance(exchange, Dhcp6Exchange)
    exchange.requests = tuple(scene.heard6(1 + 4 * number, 3) for number in range(times))
    exchange.request_count = times
    if not advertised:
        exchange.advertises = ()
    if replied:
        exchange.replies = (scene.heard6(20, 7, addresses=("fd00::100",)),)
    return scene


FAULTS: dict[str, Callable[[], Scene]] = {
    "dhcp-offer-not-taken": offers,
    "dhcp-ack-lost": acks,
    "dhcp-no-ack": requests,
    "arp-reply-lost": arps,
    "arp-wrong-owner": astray,
    "dhcp-lease-unused": found,
    "tcp-syn-ack-lost": syns,
    "dns-reply-lost": queries,
    "v6-reply-lost": advertises,
    "v6-no-reply": requests6,
}

LOOKALIKES: list[tuple[str, str, Callable[[], Scene]]] = [
    ("v6-no-reply", "one REQUEST", lambda: requests6(1)),
    ("v6-no-reply", "answered in the end", lambda: requests6(replied=True)),
    ("v6-no-reply", "an ADVERTISE that is not in the capture", lambda: requests6(advertised=False)),
    ("v6-reply-lost", "REQUESTs behind the ADVERTISE", requests6),
    ("dhcp-ack-lost", "a boot server's answer lost once", lambda: at_4011(2)),
    ("dhcp-ack-lost", "a boot server's answer taken in the end", lambda: at_4011(fetched=True)),
    ("dhcp-offer-not-taken", "nothing to boot is offered", lambda: offers(file=None)),
    ("dhcp-offer-not-taken", "a URL for PXE firmware", lambda: offers("efi-x64-http", file=URL)),
    ("dhcp-offer-not-taken", "asked again once", lambda: offers(times=1).discover(4)),
    ("dhcp-offer-not-taken", "taken in the end", lambda: offers().request(30)),
    ("dhcp-offer-not-taken", "taken without a word", taken_silently),
    ("dhcp-ack-lost", "lost once", lambda: acks(2)),
    ("dhcp-ack-lost", "REQUESTs of two relays", lambda: acks(4, gap=0.02)),
    ("dhcp-ack-lost", "the machine looks for its server", lambda: acks().arp(SERVER, 20, 21, 22)),
    ("dhcp-no-ack", "one REQUEST", lambda: requests(1)),
    ("dhcp-no-ack", "refused in the end", lambda: requests().nak(20)),
    ("dhcp-no-ack", "another server's offer is not in the capture", lambda: requests(server="192.168.122.9")),
    ("arp-reply-lost", "answered when asked for the last time", lambda: arps(3)),
    ("arp-reply-lost", "a file is asked for behind the answer", arps_and_files),
    ("arp-reply-lost", "the machine's own address", lambda: arps(target="192.168.122.227")),
    ("arp-wrong-owner", "acknowledged all the same", lambda: astray(heard=True)),
    ("arp-wrong-owner", "asked by way of a router", lambda: astray(routed=True)),
    ("arp-wrong-owner", "a later connection came about", lambda: syn_acks_astray(later=True)),
    ("dhcp-lease-unused", "nobody answers for the server", lambda: leased().arp(SERVER, 1, 2)),
    ("dhcp-lease-unused", "a capture of DHCP alone", lambda: leased(fetches=False)),
    ("dhcp-lease-unused", "a capture at another port of the switch", lambda: leased(unicast=False)),
    ("dhcp-lease-unused", "no boot file", lambda: found(file=None)),
    ("dhcp-lease-unused", "the file is asked for", found_and_asked),
    ("dhcp-lease-unused", "a connection is opened", found_and_connected),
    ("tcp-syn-ack-lost", "no answer", lambda: syns(answered=False)),
    ("tcp-syn-ack-lost", "lost once", lambda: syns(2)),
    ("tcp-syn-ack-lost", "a later connection came about", connected),
    ("dns-reply-lost", "asked once", lambda: queries(1)),
    ("dns-reply-lost", "no such name", lambda: queries(rcode=3)),
    ("dns-reply-lost", "a connection follows", queries_and_connection),
    ("v6-reply-lost", "asked again once", lambda: advertises(0, 1)),
    ("v6-reply-lost", "no URL in it", lambda: advertises(url=None)),
]
