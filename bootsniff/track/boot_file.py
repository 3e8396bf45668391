"""Which boot file a DHCP exchange gave its client, and where the name stood; there are four places."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from ..wire import dhcp_options as options
from ..wire import ports, urls
from ..wire.addresses import is_for_many, is_ipv4
from ..wire.messages import DhcpMessage
from .exchanges import Dhcp4Exchange, Dhcp6Exchange, Heard
from .kinds import reads_pxelinux_config
from .records import StageRecord

SERVER_IDENTIFIER = 54
_ROUTES = (33, 121, 249)
"""Options that name routers besides option 3: static routes (RFC 2132), classless routes (RFC 3442, Microsoft)."""
_PLACES = (66, 209, 210)
"""Options that name a server, a configuration, the beginning of its path."""
ENDLESS_PROMPT = 255
"""A menu of option 43 that waits for a key, however long."""
_DISK = re.compile(r"(iscsi|aoe|ib_srp|fcp|https?|ftp):", re.IGNORECASE)


class BootFile(NamedTuple):
    """A name, where it stood (`option 67`, `file`, `proxydhcp`, `4011`, `option 43`, `option 59`), and who said it."""

    name: str
    origin: str
    heard: Heard[DhcpMessage] | None


def chosen_offer(exchange: Dhcp4Exchange) -> Heard[DhcpMessage] | None:
    """The offer of the server that the client requested from, else the first one with a boot file, else the first."""
    offers = exchange.offers
    if len(offers) < 2:
        return offers[0] if offers else None
    wanted = {heard.message.options.get(SERVER_IDENTIFIER) for heard in exchange.requests}
    for heard in offers:
        if heard.message.options.get(SERVER_IDENTIFIER) in wanted:
            return heard
    with_file = (heard for heard in offers if options.boot_file(heard.message) is not None)
    return next(with_file, offers[0])


def boot_file_of(stage: StageRecord) -> BootFile | None:
    """The boot file that this stage's program was told to fetch, or None."""
    exchange = stage.dhcp
    if isinstance(exchange, Dhcp6Exchange):
        for answer in (*reversed(exchange.replies), *exchange.advertises):
            if answer.message.boot_file_url:
                return BootFile(answer.message.boot_file_url, "option 59", None)
        return None
    if exchange is None:
        return None
    for heard in reversed(exchange.pxe_replies):
        found = options.boot_file(heard.message)
        if found is not None:
            pxe = options.pxe(heard.message)
            return BootFile(found[0], "option 43" if pxe is not None and pxe.boot_item is not None else "4011", heard)
    for heard in exchange.proxy_offers:
        found = options.boot_file(heard.message)
        if found is not None and not exchange.pxe_requests and _is_taken(heard.message):
            return BootFile(found[0], "proxydhcp", heard)
    for heard in reversed(exchange.acks):
        found = options.boot_file(heard.message)
        if found is not None:
            return BootFile(found[0], found[1], heard)
    offer = chosen_offer(exchange)
    found = options.boot_file(offer.message) if offer is not None else None
    return BootFile(found[0], found[1], offer) if found is not None else None


def has_something_to_load(stage: StageRecord) -> bool:
    """Whether its lease names a file, or the server at which a program that knows PXELINUX's names looks for them.

    Petitboot takes options 209 and 210 as well (RFC 5071).
    """
    file = boot_file_of(stage)
    if file is not None and file.name:
        return True
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange) or not reads_pxelinux_config(stage.client):
        return False
    replies = [heard.message for heard in (*exchange.acks, *exchange.offers)]
    return any(message.next_server or any(code in message.options for code in _PLACES) for message in replies)


def disk_of(stage: StageRecord) -> str | None:
    """The network disk that a lease without a boot file names, in option 17 (ipxe.org/sanuri); an NFS root is none."""
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange):
        return None
    paths = (options.root_path(heard.message) for heard in (*reversed(exchange.acks), *exchange.offers))
    return next((path for path in paths if path is not None and _DISK.match(path)), None)


def is_beside_ip(disk: str) -> bool:
    """Whether a disk is behind a protocol of its own: ATA over Ethernet, InfiniBand, Fibre Channel."""
    return disk.lower().startswith(("aoe:", "ib_srp:", "fcp:"))


def wait_beside_ip(disk: str) -> str:
    """What a machine waits for that boots from such a disk."""
    return f"its disk {disk}, of which no packet is read here"


def _is_taken(proxy_offer: DhcpMessage) -> bool:
    """Whether boot programs take an offer without an address: by its option 60 (PXE 2.1 section 2.2.3; iPXE dhcp.c)."""
    return options.is_of_class(proxy_offer, options.PXE_CLASS, options.HTTP_CLASS)


def boot_server_of(stage: StageRecord, file: BootFile | None) -> str | None:
    """Where the boot file's server is said to be: siaddr of the answer that names the file (edk2, shim, U-Boot).

    `file` is the stage's own, as `boot_file_of` gave it.
    """
    if file is not None and file.heard is not None:
        return file.heard.message.next_server
    exchange = stage.dhcp
    if isinstance(exchange, Dhcp4Exchange):
        offer = chosen_offer(exchange)
        for heard in (*reversed(exchange.acks), *([offer] if offer is not None else [])):
            if heard.message.next_server is not None:
                return heard.message.next_server
    return None


def first_target(file: BootFile) -> str | None:
    """The IPv4 address that the first request for a boot file goes to, where it can be told: a URL's host, or siaddr."""
    url = urls.split(file.name)
    if url is not None:
        return url.host if is_ipv4(url.host) else None
    heard = file.heard
    if heard is None:
        return None
    return heard.message.next_server or options.server_id(heard.message) or heard.source


def is_discovery(request: Heard[DhcpMessage]) -> bool:
    """Whether a request looks for the boot server of a menu's item: by broadcast (port 67), multicast (port 4011), or a list.

    One server's own port 4011 is another matter: that one is silent (PXE 2.1 section 2.2.5).
    """
    told = options.pxe(request.message)
    if told is None or told.boot_item is None:
        return False
    return request.target_port != ports.PXE or is_for_many(request.target)


def prompt_of(exchange: Dhcp4Exchange) -> int | None:
    """How long the menu of option 43 waits before the firmware goes on, s (PXE 2.1, table 2-1).

    None when there is no prompt, or an item was chosen already.
    """
    if any((pxe := options.pxe(heard.message)) and pxe.boot_item for heard in exchange.pxe_requests):
        return None
    for heard in (*reversed(exchange.pxe_replies), *exchange.proxy_offers, *reversed(exchange.acks)):
        told = options.pxe(heard.message)
        if told is not None and told.menu and told.prompt is not None:
            return told.prompt[0]
    return None


def is_elsewhere(lease: DhcpMessage, target: str) -> bool:
    """Whether an address is outside the network that a lease puts the machine on."""
    mask = options.subnet_mask(lease)
    return bool(lease.your_ip and mask) and _is_outside(f"{lease.your_ip}/{mask}", target)


@lru_cache(64)
def _is_outside(network: str, target: str) -> bool:
    try:
        return ip_address(target) not in ip_network(network, strict=False)
    except ValueError:
        return False


def next_hop(stage: StageRecord) -> str | None:
    """Whom the machine must find by ARP to ask for its boot file: the server, or the router on the way to it."""
    known = _lease_and_target(stage)
    if known is None:
        return None
    lease, target = known
    return next(iter(options.routers(lease)), None) if is_elsewhere(lease, target) else target


def server_behind_no_router(stage: StageRecord) -> str | None:
    """The boot server's address, when it is on another network and the lease names no router to it."""
    known = _lease_and_target(stage)
    if known is None or not is_elsewhere(*known):
        return None
    lease, target = known
    return None if options.routers(lease) or any(code in lease.options for code in _ROUTES) else target


def _lease_and_target(stage: StageRecord) -> tuple[DhcpMessage, str] | None:
    """The latest ACK, and where the first request for the boot file goes; None when either is not known."""
    exchange, file = stage.dhcp, boot_file_of(stage)
    if not isinstance(exchange, Dhcp4Exchange) or not exchange.acks or file is None:
        return None
    target = first_target(file)
    return None if target is None else (exchange.acks[-1].message, target)
