"""The header's `file` field, from which loaders take the directory that they came from; judges no stage itself."""

from __future__ import annotations

import re

from ..model import Fix
from ..track.boot_file import boot_file_of
from . import names
from .case import Case
from .offers import Offer
from .quoting import quoted

_OWN = re.compile(r"^/*(01-([0-9a-f]{2}-){5}[0-9a-f]{2}/)?[^/]+$", re.IGNORECASE)
"""A file at the server's root, or in a machine's own directory there."""


def loader_reply(case: Case) -> Offer | None:
    """The DHCP reply that named the first program of this boot option."""
    for index in range(case.option[0], case.stage_index + 1):
        named = boot_file_of(case.boot.stages[index])
        if named and named.heard:
            return Offer.of(named.heard)
    return None


def is_in_option_alone(reply: Offer) -> bool:
    """Whether the name came in option 67, and the field is empty."""
    return reply.boot_file_from == "option 67" and not reply.message.file


def lost_directory(case: Case, asked: str) -> Offer | None:
    """The reply that named a program in a directory, in option 67 alone, where what it asks for is none of that."""
    reply = loader_reply(case)
    if reply is None or not is_in_option_alone(reply) or not _OWN.match(asked):
        return None
    return reply if names.directory(reply.boot_file or "").strip("/") else None


def put_there(path: str) -> tuple[Fix, Fix, Fix]:
    """The name in the header's own field."""
    return (
        Fix("dnsmasq", "dhcp-no-override"),
        Fix("isc-dhcpd", f"filename {quoted(path)};   # not only: option bootfile-name"),
        Fix("kea", f'// the field, not the option-data of that name:\n"boot-file-name": {quoted(path)}'),
    )
