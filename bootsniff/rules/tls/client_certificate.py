"""tls-client-certificate; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ..case import Case
from .handshakes import NO_CLIENT_CERTIFICATE, TlsRule, Verdict, alert_of


class TlsClientCertificate(TlsRule):
    """The web server wants a certificate of the machine.

    What happens
        The server asks for a client certificate; the boot program has none to show, or one that the server refuses.
    On the wire
        Alert 116 (certificate_required) from the server; older servers say 40 or 42 after the machine's empty answer, and
        43 to 46 of a certificate that they refuse (44 revoked, 45 expired).
    Not to be confused with
        A server certificate that the machine refuses (tls-certificate).
    Causes
        Mutual TLS switched on for the whole server.
    Fix
        Do not ask for client certificates for the boot files, or build iPXE with one.
    Sources
        RFC 8446 section 6.2; ipxe.org/crypto (CERT, PRIVKEY).
    """

    code = "tls-client-certificate"
    summary = "{host} wants a certificate of {name}: {why}"
    expected = "The handshake ends without a client certificate."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:  # noqa: ARG002
        alert = alert_of(tls)
        if alert and alert[0] == 116:
            return "certain", f"alert {alert[0]} {alert[1]}"
        if alert and tls.wants_certificate and alert[0] in (40, 42, 43, 44, 45, 46) and not alert[2]:
            return "likely", f"it asks for one, and then says alert {alert[0]} {alert[1]}"
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        return (
            NO_CLIENT_CERTIFICATE,
            Fix("ipxe", "make bin-x86_64-efi/ipxe.efi CERT=machine.crt PRIVKEY=machine.key"),
        )
