"""What rules about port 4011 ask of an exchange; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Evidence
from ...track.boot_file import is_discovery
from ...track.exchanges import Heard
from ...wire import ports
from ...wire.messages import DhcpMessage
from ..case import Case
from ..evidence import by_icmp, first_and_last


def unanswered(case: Case) -> list[Heard[DhcpMessage]]:
    """Requests to port 4011, when they all stayed without an answer and nothing was fetched either."""
    dhcp = case.dhcp4
    if dhcp is None or dhcp.pxe_replies or case.stage.fetches:
        return []
    return [heard for heard in dhcp.pxe_requests if heard.target_port == ports.PXE and not is_discovery(heard)]


def proof(case: Case, requests: list[Heard[DhcpMessage]]) -> Iterator[Evidence]:
    """The requests and what came back instead of an answer."""
    yield from first_and_last(requests, "REQUEST to port 4011")
    yield from by_icmp(case.dhcp4.icmp[:2] if case.dhcp4 else ())
