"""Which offers suit a boot program, as far as its kind tells; pure functions of messages and records."""

from __future__ import annotations

from ..wire import dhcp_options as options
from ..wire import urls
from ..wire.http import is_web_url
from ..wire.messages import DhcpMessage
from .exchanges import Dhcp4Exchange
from .kinds import is_http_client, is_pxe_firmware
from .records import StageRecord


def suits(client: str, offer: DhcpMessage) -> bool:
    """Whether a program of this kind would take such an OFFER, by what is in it."""
    named = options.boot_file(offer)
    file = named[0] if named is not None else ""
    if is_http_client(client):
        if not is_web_url(file) or not options.is_of_class(offer, options.HTTP_CLASS):
            return False
        return not urls.is_name(urls.host_of(file)) or bool(options.dns_servers(offer))
    if client == "raspberry-pi":
        return options.invites_raspberry_pi(offer)
    return bool(file) and not (is_pxe_firmware(client) and is_web_url(file))


def was_offered_what_suits(stage: StageRecord) -> bool:
    """Whether DHCPv4 servers offered the stage's program what it takes, or the program did take an offer."""
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange):
        return False
    if exchange.requests or any(suits(stage.client, heard.message) for heard in exchange.offers):
        return True
    beside = any(options.is_of_class(heard.message, options.PXE_CLASS) for heard in exchange.proxy_offers)
    return bool(exchange.offers) and beside and not is_http_client(stage.client)


def asks_for_unseen_offer(exchange: Dhcp4Exchange, message: DhcpMessage) -> bool:
    """Whether a REQUEST takes an offer, and the capture holds none with an address."""
    return not exchange.offers and takes_unseen_offer(exchange, message)


def takes_unseen_offer(exchange: Dhcp4Exchange, message: DhcpMessage) -> bool:
    """Whether a REQUEST takes what a server offered in a packet that the capture lacks; a ProxyDHCP offer may be all it heard."""
    server = options.server_id(message)
    if server is None:
        return False
    heard = (*exchange.offers, *exchange.proxy_offers)
    return all(server != (options.server_id(one.message) or one.source) for one in heard)
