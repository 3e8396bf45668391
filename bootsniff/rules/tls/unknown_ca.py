"""tls-unknown-ca; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange, TcpConnection, TlsHandshake
from ...model import Evidence, Fix
from ...track.connection_outcome import asks_for_trust
from ..case import Case
from ..evidence import evidence, maybe
from .certificate import TlsCertificateRefused
from .handshakes import TlsRule, Verdict, alert_of, trust, waited_in_vain


class TlsUnknownCa(TlsRule):
    """The machine does not know the authority that signed the web server's certificate.

    What happens
        The handshake comes as far as the server's certificate; the firmware or iPXE has no authority enrolled that
        vouches for it, and leaves.
    On the wire
        ClientHello, the server's flight, then alert 48 (unknown_ca) from the machine. edk2 closes the connection before
        its alert is sent: then a certificate whose time and names fit, and RST or FIN of the machine right behind it. In
        TLS 1.3 certificate and alerts are encrypted and this cannot be told from other failures.
        iPXE that does not know the authority asks another server for a certificate that vouches for it
        (http://ca.ipxe.org/auto/1a2b3c4d.der?subject=…) while the handshake waits, and leaves when that one is not found.
    Not to be confused with
        A certificate that is expired or for another name (tls-certificate). A handshake that ends after the machine
        accepted the certificate, or before one could be read (tls-handshake-failed).
    Causes
        The authority was not enrolled in the firmware's setup; iPXE was built without TRUST; an intermediate
        certificate is missing; an old cross-signed root has expired.
    Fix
        Enrol the authority; build iPXE with TRUST=; let the server send the whole chain.
    Sources
        RFC 5246 section 7.2.2; edk2 TlsAuthConfigDxe and issue 12651; ipxe.org/crypto; iPXE net/validator.c; iPXE issues 606 and 1408; lab captures.
    """

    code = "tls-unknown-ca"
    summary = "{name} does not trust the certificate of {host}: {why}"
    expected = "The handshake goes on after the certificate."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:
        alert = alert_of(tls)
        issuer = f"issued by {tls.certificate.issuer}" if tls.certificate else "unknown authority"
        if alert and alert[0] == 48:
            return "certain", issuer
        sought = _cross_certificate(case, connection, tls)
        if alert is None and sought is not None and sought.response is not None:
            return "certain", f"{issuer}, for which nobody vouches: status {sought.response.status} for {sought.url}"
        if alert is None and _leaves_at_certificate(case, connection, tls):
            return "likely", f"{issuer}; the machine leaves right after it"
        return None

    def beside(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Iterator[Evidence]:
        sought = _cross_certificate(case, connection, tls)
        if sought is not None and alert_of(tls) is None:
            yield evidence(sought.request_at, "GET: who vouches for the authority?")
            yield from maybe(sought.response_at, "nobody")

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (
            *trust(case),
            Fix("nginx", "ssl_certificate /etc/ssl/fullchain.pem;   # server and intermediate certificates"),
        )


def _cross_certificate(case: Case, connection: TcpConnection, tls: TlsHandshake) -> HttpExchange | None:
    """The answer that nobody vouches for the authority, between a server's flight and the end of the connection by iPXE."""
    said, left = tls.server_hello_at, connection.fin_from_client or connection.reset
    if not case.is_ipxe or said is None or left is None or tls.went_on:
        return None
    for other in case.stage.connections:
        for asked in other.exchanges if asks_for_trust(other) else ():
            refused = asked.response is not None and (asked.response.status or 0) >= 400
            if refused and said.time < asked.request_at.time < left.time:
                return asked
    return None


_WEAK = range(512, 2048)
"""Bits of RSA keys that firmware refuses, whoever signed them. Keys on curves have fewer, or 521."""


def _leaves_at_certificate(case: Case, connection: TcpConnection, tls: TlsHandshake) -> bool:
    """Whether a certificate that fits in all that can be read was the last thing the machine wanted to see."""
    certificate = tls.certificate
    if certificate is None or tls.went_on or tls.wants_certificate or waited_in_vain(connection, tls):
        return False
    if certificate.key_bits in _WEAK and certificate.key_bits != 521:
        return False
    left = connection.fin_from_client is not None or connection.reset_by_client
    return left and TlsCertificateRefused().verdict(case, connection, tls) is None
