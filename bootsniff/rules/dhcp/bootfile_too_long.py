"""dhcp-bootfile-too-long; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire.http import is_web_url
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule
from ..tftp import transfers

_FIELD = 127
"""The header's file field has 128 bytes, the last of them NUL (RFC 2131 section 2)."""
_SHORTEST = 32
"""A shorter name that is cut was cut for another reason."""


class DhcpBootfileTooLong(Rule):
    """The boot file's name is longer than the machine can keep.

    What happens
        The ROM cuts the name, and asks for a file that does not exist; or it reports “filename too long” and asks nothing.
    On the wire
        A request for the beginning of the name that DHCP gave, and an error; or a name of more than 127 bytes in option 67
        and no request at all; or a name of 127 bytes in the file field, which no file has: the server itself cut it.
    Not to be confused with
        A name that is one byte off (dhcp-bootfile-name-mangled). A name that is simply wrong (tftp-file-not-found).
    Causes
        Deep directories, hashes and versions in file names; a URL where the machine has room for 127 bytes.
    Fix
        A short name: a symbolic link, or iPXE first, which takes names of any length from its script.
    Sources
        RFC 2131 section 2; syslinux doc/pxelinux.txt (127 characters); ipxe/ipxe discussion 1129.
    """

    code = "dhcp-bootfile-too-long"
    stage = "tftp"
    needs = "dhcp4"
    explains_away = ("tftp-file-not-found", "tftp-no-reply")
    summary = "DHCP names a boot file of {length} bytes, {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        named = case.boot_file
        if not named or len(named) <= _SHORTEST:
            return
        for _, flow in transfers.failed(case):
            asked = flow.filename
            if asked == named and _fills_the_field(case) and flow.error is not None and flow.error.says_missing:
                yield self.finding(
                    case,
                    [*naming(case), *transfers.proof(flow)],
                    confidence="likely",
                    subject=named,
                    length=len(named),
                    what="all that the header's file field holds: the server may have cut it",
                    expected="The whole name, in option 67.",
                    proof="The DHCP server's configuration: does the name go on?",
                    fixes=_shorter(named),
                )
                return
            if not _SHORTEST <= len(asked) < len(named) - 1 or not named.startswith(asked):
                continue
            yield self.finding(
                case,
                [*naming(case), *transfers.proof(flow)],
                subject=named,
                length=len(named),
                what=f"the machine asks for the first {len(asked)} of it",
                expected=f"RRQ {named}",
                fixes=_fixes(case, named),
            )
            return
        if len(named) > _FIELD and case.is_firmware_pxe and not is_web_url(named) and _ends_here(case):
            yield self.finding(
                case,
                [*naming(case), *(evidence(ack.heard, "lease; nothing follows") for ack in case.acks[-1:])],
                confidence="possible",
                subject=named,
                length=len(named),
                what="and the machine asks for nothing",
                expected=f"RRQ {named}",
                proof="The machine's screen: “filename too long”?",
                fixes=_fixes(case, named),
            )


def _fills_the_field(case: Case) -> bool:
    """Whether the name stands in the header alone, and leaves room for its NUL only (dnsmasq rfc2131.c cuts it so)."""
    named = case.named
    return named is not None and named.boot_file_from == "file" and len(named.boot_file or "") == _FIELD


def _shorter(named: str) -> tuple[Fix, ...]:
    folder = named.rpartition("/")[0].lstrip("/")
    link = f"ln -s {quoting.shell(folder)} /srv/tftp/boot   # and name the file below boot/" if folder else ""
    return (Fix("dnsmasq", "# remove: dhcp-no-override"), *((Fix("shell", link),) if link else ()))


def _ends_here(case: Case) -> bool:
    return bool(case.acks) and case.failed_here and case.asked_nothing and not case.sought_in_vain


def _fixes(case: Case, named: str) -> tuple[Fix, ...]:
    short = names.base(named)[-32:]
    link = Fix("shell", f"ln -s {quoting.shell(named.lstrip('/'))} /srv/tftp/{quoting.shell(short)}")
    return (link, *fixes.boot_file(case, short))
