"""tls-unknown-ca; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ..case import Case
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
    Not to be confused with
        A certificate that is expired or for another name (tls-certificate). A handshake that ends after the machine
        accepted the certificate, or before one could be read (tls-handshake-failed).
    Causes
        The authority was not enrolled in the firmware's setup; iPXE was built without TRUST; an intermediate
        certificate is missing; an old cross-signed root has expired.
    Fix
        Enrol the authority; build iPXE with TRUST=; let the server send the whole chain.
    Sources
        RFC 5246 section 7.2.2; edk2 TlsAuthConfigDxe and issue 12651; ipxe.org/crypto; iPXE issues 606 and 1408; lab captures.
    """

    code = "tls-unknown-ca"
    summary = "{name} does not trust the certificate of {host}: {why}"
    expected = "The handshake goes on after the certificate."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:
        alert = alert_of(tls)
        issuer = f"issued by {tls.certificate.issuer}" if tls.certificate else "unknown authority"
        if alert and alert[0] == 48:
            return "certain", issuer
        if alert is None and _leaves_at_certificate(case, connection, tls):
            return "likely", f"{issuer}; the machine leaves right after it"
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (
            *trust(case),
            Fix("nginx", "ssl_certificate /etc/ssl/fullchain.pem;   # server and intermediate certificates"),
        )


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
