"""tls-unknown-ca; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ..case import Case
from .handshakes import ENROL, TRUST, TlsRule, Verdict, alert_of


class TlsUnknownCa(TlsRule):
    """The machine does not know the authority that signed the web server's certificate.

    What happens
        The handshake comes as far as the server's certificate; the firmware or iPXE has no authority enrolled that
        vouches for it, and leaves.
    On the wire
        ClientHello, the server's flight, then alert 48 (unknown_ca) from the machine. In TLS 1.3 alerts are encrypted
        and this cannot be told from other failures.
    Not to be confused with
        A certificate that is expired or for another name (tls-certificate). A handshake that ends without a readable
        alert (tls-handshake-failed).
    Causes
        The authority was not enrolled in the firmware's setup; iPXE was built without TRUST; an intermediate
        certificate is missing; an old cross-signed root has expired.
    Fix
        Enrol the authority; build iPXE with TRUST=; let the server send the whole chain.
    Sources
        RFC 5246 section 7.2.2; edk2 TlsAuthConfigDxe and issue 12651; ipxe.org/crypto; iPXE issues 606 and 1408.
    """

    code = "tls-unknown-ca"
    summary = "{name} does not trust the certificate of {host}: {why}"
    expected = "The handshake goes on after the certificate."

    def verdict(self, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:  # noqa: ARG002
        alert = alert_of(tls)
        if alert and alert[0] == 48:
            issuer = f"issued by {tls.certificate.issuer}" if tls.certificate else "unknown authority"
            return "certain", issuer
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (
            ENROL,
            TRUST,
            Fix("nginx", "ssl_certificate /etc/ssl/fullchain.pem;   # server and intermediate certificates"),
        )
