"""What rules about TLS handshakes share: where one ended, and who ended it; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ...flow.records import TcpConnection, TlsHandshake
from ...model import NANOSECONDS, Confidence, Evidence, Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe, naming
from ..rule import Rule

Verdict = tuple[Confidence, str]
"""How sure, and why in words."""

_SOON = 10 * NANOSECONDS
"""edk2 gives up a server that says nothing after 5 s (PcdHttpIoTimeout); servers wait 60 s for a handshake (nginx)."""


def failed(connection: TcpConnection) -> TlsHandshake | None:
    """The handshake of a connection that came to nothing."""
    tls = connection.tls
    if tls is None or connection.exchanges:
        return None
    closed = connection.reset or connection.fin_from_client or connection.fin_from_server
    if tls.refused:
        return tls
    return tls if not tls.asked and (closed or connection.last_from_server is not None) else None


def alert_of(tls: TlsHandshake) -> tuple[int, str, bool] | None:
    """Code, name and whether the client sent it, of the first alert that could be read (close_notify aside)."""
    return next(((alert.code, alert.name, by_client) for alert, _, by_client in tls.alerts if alert.code), None)


def waited_in_vain(connection: TcpConnection, tls: TlsHandshake) -> int | None:
    """How long a server waited behind its certificate, ns, before it closed: who refuses a certificate leaves by itself, and soon."""
    closed, said = connection.closed_by_server, tls.certificate_at or tls.server_hello_at
    if closed is None or said is None or tls.alerts:
        return None
    waited = closed.time - said.time
    return waited if waited > _SOON else None


def proof(case: Case, connection: TcpConnection, tls: TlsHandshake) -> Iterator[Evidence]:
    """The handshake as far as it came."""
    yield from naming(case)
    name = tls.client_hello.server_name
    yield evidence(tls.client_hello_at, f"ClientHello for {name}" if name else "ClientHello")
    yield from maybe(tls.server_hello_at, f"ServerHello, TLS {tls.server_hello.version}" if tls.server_hello else "")
    yield from maybe(tls.certificate_at, f"certificate of {tls.certificate.subject}" if tls.certificate else "")
    yield from maybe(tls.foreign_at, "the server's answer, no TLS")
    for alert, at, by_client in tls.alerts[:2]:
        yield evidence(at, f"alert {alert.code} {alert.name} from the {'machine' if by_client else 'server'}")
    if not tls.alerts:
        yield from maybe(
            connection.reset or connection.fin_from_client or connection.fin_from_server, "connection closed"
        )


class TlsRule(Rule):
    """A handshake that ends: what the rules for its causes share."""

    needs = "connections"
    stage = "tls"
    expected: ClassVar[str]

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:
        """Whether this is the cause."""
        raise NotImplementedError

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:
        raise NotImplementedError

    def beside(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Iterator[Evidence]:  # noqa: ARG002
        """What on other connections tells of this one."""
        return iter(())

    def check(self, case: Case) -> Iterator[Finding]:
        for connection in case.stage.connections:
            tls = failed(connection)
            if tls is None or _later_success(case, connection):
                continue
            found = self.verdict(case, connection, tls)
            if found is None:
                continue
            confidence, why = found
            host = tls.client_hello.server_name or connection.server
            yield self.finding(
                case,
                [*proof(case, connection, tls), *self.beside(case, connection, tls)],
                confidence=confidence,
                subject=f"{host}:{connection.server_port}",
                name=case.stage.name or case.client,
                host=host,
                why=why,
                expected=self.expected,
                proof="" if confidence == "certain" else "The machine's screen, and the web server's error log.",
                fixes=fixes.arrange(case, *self.mend(case, connection, tls)),
            )


def _later_success(case: Case, connection: TcpConnection) -> bool:
    """Another try at the same server got through."""
    return any(
        other.start > connection.start and other.server == connection.server and other.tls and failed(other) is None
        for other in case.stage.connections
    )


NO_CLIENT_CERTIFICATE = Fix("nginx", "ssl_verify_client off;")
_TRUST = Fix("ipxe", "make bin-x86_64-efi/ipxe.efi CERT=ca.crt TRUST=ca.crt")
ENROL = Fix(
    "uefi", "Setup > Tls Auth Configuration > Server CA Configuration > Enroll Cert: the authority, not the server"
)
_IN_INITRD = Fix(
    "shell",
    "cp ca.crt /usr/local/share/ca-certificates/; update-ca-certificates   # where the initrd is made\n"
    "dracut --force   # or update-initramfs -u: the initrd needs the authority, not the server",
)


def trust(case: Case) -> tuple[Fix, ...]:
    """How the program gets to know an authority: firmware by its setup, iPXE when it is built, a system with its initrd."""
    if case.client == "os":
        return (_IN_INITRD,)
    return (_TRUST,) if case.is_ipxe else (ENROL,) if case.is_http else (ENROL, _TRUST)


MODERN = Fix(
    "nginx", "ssl_protocols TLSv1.2 TLSv1.3;\nssl_ciphers ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384;"
)
