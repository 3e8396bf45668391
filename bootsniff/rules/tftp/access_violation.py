"""tftp-access-violation; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Finding, Fix
from ...track.records import FetchRecord
from ...wire.transfers import TftpError
from .. import fixes, quoting
from ..case import Case
from ..evidence import naming_of
from ..rule import Rule
from . import transfers

_OUTSIDE = ("Only absolute filenames allowed", "Forbidden directory")
"""tftpd-hpa without --secure takes absolute names only, and of the directories that it was given (tftpd.c)."""


class TftpAccessViolation(Rule):
    """The TFTP server may not read the file, or will not give it away.

    What happens
        The file may be there, but the server refuses it.
    On the wire
        TFTP ERROR 2 (dnsmasq: "cannot access PATH: Permission denied"; tftpd-hpa: "Only absolute filenames allowed"), or
        ERROR 0 whose text says so (tftpd-hpa: "Permission denied").
    Not to be confused with
        A file that is not there (tftp-file-not-found, ERROR 1). A name of a search list (pxelinux.cfg/…) that is refused
        where another one is found.
    Causes
        File modes, SELinux labels, a path outside the server's root (`..`), dnsmasq's tftp-secure with files of another
        owner, tftpd-hpa without --secure, which takes absolute names only.
    Fix
        Make the file readable for the server's user, restore its label, or correct the path.
    Sources
        RFC 1350 section 5; dnsmasq tftp.c; lab captures with dnsmasq 2.90.
    """

    code = "tftp-access-violation"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("chain-no-config-found",)
    summary = "{server} refuses {file}: access violation{text}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in (*transfers.failed(case), *_refused_configs(case)):
            if not _is_refused(flow) or fetch.role == "optional":
                continue
            text = flow.error.text if flow.error else ""
            yield self.finding(
                case,
                [*naming_of(case, fetch), *transfers.proof(flow, f" “{text}”")],
                subject=fetch.flow.url,
                server=flow.server,
                file=flow.filename,
                text=f" (“{text}”)" if text else "",
                expected="An OACK or the first DATA block.",
                fixes=fixes.arrange(case, *_fixes(case, flow)),
            )


def _refused_configs(case: Case) -> list[tuple[FetchRecord, TftpTransfer]]:
    """Names of a search list that the server refuses, where none of the list came: the configuration is one of them."""
    searched = [(fetch, flow) for fetch, flow in case.tftp if fetch.role == "config-search"]
    if any(fetch.status == "complete" for fetch, _ in searched):
        return []
    return [(fetch, flow) for fetch, flow in searched if not fetch.in_vain and _is_refused(flow)]


def _is_refused(flow: TftpTransfer) -> bool:
    return flow.error is not None and not flow.error_by_client and refuses(flow.error)


def _fixes(case: Case, flow: TftpTransfer) -> tuple[Fix | None, ...]:
    path = quoting.shell(transfers.place(flow))
    secure = Fix("tftpd-hpa", 'TFTP_OPTIONS="--secure"\nTFTP_DIRECTORY="/srv/tftp"')
    if flow.error and flow.error.text in _OUTSIDE:
        return (secure,)
    return (
        fixes.qemu(case, case.first_boot_file or flow.filename, path),
        Fix("shell", f"namei -l {path}   # may everybody read it, and enter the directories above?"),
        Fix("shell", f"chmod o+r {path}\nrestorecon -Rv /srv/tftp   # SELinux") if transfers.is_served(flow) else None,
        *transfers.for_software(
            flow, Fix("dnsmasq", "# with tftp-secure the files must belong to dnsmasq's user\n#tftp-secure"), secure
        ),
    )


def refuses(error: TftpError) -> bool:
    """Whether an error says that the file may not be read."""
    return error.code == 2 or (error.code == 0 and "permission" in error.text.lower())
