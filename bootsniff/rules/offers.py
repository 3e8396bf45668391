"""A DHCPv4 reply as rules need it: who sent it, what it names and how; no judgement here."""

from __future__ import annotations

from msgspec import Struct

from ..track.exchanges import Heard
from ..wire import dhcp_options
from ..wire.http import is_web_url
from ..wire.messages import DhcpMessage


class Offer(Struct, eq=False):
    """One OFFER or ACK."""

    heard: Heard[DhcpMessage]
    server: str
    """Option 54, else the address it came from."""
    boot_file: str | None
    boot_file_from: str | None
    """`option 67` or `file`."""
    vendor_class: str | None

    @classmethod
    def of(cls, heard: Heard[DhcpMessage]) -> Offer:
        named = dhcp_options.boot_file(heard.message)
        return cls(
            heard=heard,
            server=dhcp_options.server_id(heard.message) or heard.source,
            boot_file=named[0] if named and named[0] else None,
            boot_file_from=named[1] if named and named[0] else None,
            vendor_class=dhcp_options.vendor_class(heard.message),
        )

    @property
    def message(self) -> DhcpMessage:
        return self.heard.message

    @property
    def address(self) -> str | None:
        return self.heard.message.your_ip

    @property
    def echoes_http(self) -> bool:
        """Option 60 begins with the ten bytes `HTTPClient` (edk2 HttpBootDhcp4.c compares just these)."""
        return (self.vendor_class or "").startswith(dhcp_options.HTTP_CLASS)

    @property
    def echoes_pxe(self) -> bool:
        return (self.vendor_class or "").startswith(dhcp_options.PXE_CLASS)

    @property
    def is_url(self) -> bool:
        return is_web_url(self.boot_file)

    @property
    def next_server(self) -> str:
        """Where TFTP goes: siaddr, else the server itself (edk2 PxeBcBoot.c)."""
        return self.heard.message.next_server or self.server

    @property
    def has_pxe_options(self) -> bool:
        """Option 43 is there: boot servers, a menu or discovery control."""
        return 43 in self.heard.message.options

    @property
    def has_menu(self) -> bool:
        """Option 43 has a menu, which iPXE takes before any file name (usr/autoboot.c)."""
        told = dhcp_options.pxe(self.message) if self.has_pxe_options else None
        return told is not None and bool(told.menu)

    @property
    def dns_servers(self) -> tuple[str, ...]:
        return tuple(dhcp_options.dns_servers(self.heard.message))

    @property
    def routers(self) -> tuple[str, ...]:
        return tuple(dhcp_options.routers(self.heard.message))

    @property
    def subnet_mask(self) -> str | None:
        return dhcp_options.subnet_mask(self.heard.message)


def boot_servers(reply: Offer) -> list[str]:
    """The addresses of the boot server list in option 43."""
    told = dhcp_options.pxe(reply.message)
    return [address for server in told.boot_servers for address in server.addresses] if told is not None else []
