"""tls-cipher; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Confidence, Fix
from ..case import Case
from .handshakes import MODERN, TlsRule, Verdict, alert_of


class TlsCipher(TlsRule):
    """Machine and web server have no cipher in common.

    What happens
        The server finds nothing it would use in the machine's short list and ends the handshake.
    On the wire
        ClientHello, then alert 40 (handshake_failure) or 71 (insufficient_security) from the server, before any
        ServerHello.
    Not to be confused with
        A certificate the machine has to send (tls-client-certificate); versions that do not fit (tls-version).
    Causes
        Servers and proxies with modern cipher lists only (elliptic curves, ECDSA certificates) and boot programs that
        know RSA.
    Fix
        Allow ECDHE-RSA-AES128-GCM-SHA256 with TLS 1.2 and an RSA certificate.
    Sources
        RFC 5246 section 7.2.2; ipxe.org/crypto; iPXE issue 1407; netboot.xyz issue 1398.
    """

    code = "tls-cipher"
    summary = "{name} and {host} have no cipher in common: {why}"
    expected = "A ServerHello."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:  # noqa: ARG002
        alert = alert_of(tls)
        if alert is None or tls.server_hello is not None:
            return None
        if alert[0] in (40, 71) and not alert[2]:
            sure: Confidence = "certain" if alert[0] == 71 else "likely"
            return sure, f"the machine offers {len(tls.client_hello.ciphers)}, none suits"
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (MODERN,)
