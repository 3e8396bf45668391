"""What the same DHCP server gave to clients of other architectures; reads records, never changes them."""

from __future__ import annotations

from ...track.kinds import is_ipxe
from ...wire.http import is_web_url
from ..case import Case
from ..overview import Answer


def siblings(case: Case) -> list[Answer]:
    """Answers of the same server to clients with another first architecture."""
    own = case.stage.arch[0] if case.stage.arch else None
    return [answer for answer in case.overview.answers.get(case.server or "", ()) if answer.arch != own]


def treated_otherwise(case: Case) -> Answer | None:
    """A sibling that got another file (or one at all): the server does look at architectures.

    That HTTP clients get a URL tells nothing about PXE clients: a server may be meant for HTTP boot alone. Nor does the
    script of an iPXE, which servers know by its user class.
    """
    others = (other for other in siblings(case) if case.is_http or not is_web_url(other.file))
    return next(
        (other for other in others if other.file != case.boot_file and (case.is_ipxe or not _is_known_ipxe(other))),
        None,
    )


def _is_known_ipxe(other: Answer) -> bool:
    """An iPXE that was not given what firmware is: a script, or nothing."""
    file = other.file
    return is_ipxe(other.client) and (file is None or is_web_url(file) or file.endswith(".ipxe"))
