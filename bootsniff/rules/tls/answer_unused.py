"""tls-answer-unused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.arrived import brought_file, over_tls
from ...wire import urls
from ...wire.http import is_https
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, maybe, naming
from ..rule import Rule


class TlsAnswerUnused(Rule):
    """What came over TLS was of no use to the firmware.

    What happens
        The handshake goes well and the server answers, but the firmware tries its next boot option. The answer is encrypted:
        a short one is most likely an error status (404, 403), a long one a program that the firmware does not start.
    On the wire
        A finished TLS handshake, encrypted data in both directions, the end of the connection, then the next boot option.
    Not to be confused with
        A handshake that fails (the other tls faults). A download after which nothing more is heard: the program may run and
        need no network.
    Causes
        A wrong path or a file that the web server may not read; Secure Boot and an unsigned program; a program for another
        processor; a disk image without anything to start.
    Fix
        Look into the web server's log for the status of this request; fetch the same URL from another host.
    Sources
        RFC 8446 section 5.2; edk2 NetworkPkg HttpBootImpl.c; lab captures.
    """

    code = "tls-answer-unused"
    stage = "http"
    needs = "connections"
    summary = "{server} answers {name} over TLS with {bytes} bytes, {guess}; the firmware tries its next boot option"

    def check(self, case: Case) -> Iterator[Finding]:
        connection = over_tls(case.stage)
        if connection is None or connection.tls is None or not case.gave_up or case.followers:
            return
        came = connection.tls.application_bytes_from_server
        if not came:
            return
        whole = brought_file(connection)
        url = case.boot_file if is_https(case.boot_file or "") else None
        yield self.finding(
            case,
            [
                *naming(case),
                evidence(connection.tls.client_hello_at, "ClientHello"),
                *maybe(connection.last_from_server, "the last encrypted data"),
                *maybe(connection.reset or connection.fin_from_client, "the machine closes the connection"),
            ],
            confidence="likely",
            subject=url or f"{connection.server}:{connection.server_port}",
            server=connection.server,
            name=case.stage.name or case.client,
            bytes=came,
            guess="a program that it does not start" if whole else "too few for a boot file: an error status",
            expected="The program's own packets." if whole else "The boot file.",
            proof="The web server's log; the machine's screen.",
            fixes=_look(url, whole=whole),
        )


def _look(url: str | None, *, whole: bool) -> tuple[Fix, ...]:
    if url is None:
        return ()
    if whole:
        file = quoting.shell(names.base(urls.path_of(url)) or "file")
        return (Fix("shell", f"curl -skO {quoting.shell(url)} && file {file} && sbverify --list {file}"),)
    return (Fix("shell", f"curl -skI {quoting.shell(url)}"),)
