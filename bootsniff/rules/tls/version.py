"""tls-version; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ..case import Case
from .handshakes import MODERN, TlsRule, Verdict, alert_of


class TlsVersion(TlsRule):
    """Machine and web server have no TLS version in common.

    What happens
        One side speaks only versions that the other refuses.
    On the wire
        ClientHello, then alert 70 (protocol_version).
    Not to be confused with
        Versions that fit and ciphers that do not (tls-cipher).
    Causes
        A server that takes TLS 1.3 only and a boot program of TLS 1.2; old firmware with TLS 1.0.
    Fix
        Allow TLS 1.2 for the boot files.
    Sources
        RFC 8446 section 4.2.1; RFC 5246 appendix E; ipxe.org/crypto.
    """

    code = "tls-version"
    summary = "{name} and {host} have no TLS version in common: {why}"
    expected = "A ServerHello."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:  # noqa: ARG002
        alert = alert_of(tls)
        if alert and alert[0] == 70:
            return "certain", f"the machine offers {', '.join(tls.client_hello.versions) or 'none that could be read'}"
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (MODERN,)
