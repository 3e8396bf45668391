"""tls-certificate; reads records, never changes them."""

from __future__ import annotations

import re

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ..case import Case
from .handshakes import TlsRule, Verdict, alert_of

_HOST = re.compile(r"[\w.:-]+", re.ASCII)


class TlsCertificateRefused(TlsRule):
    """The machine refuses the web server's certificate.

    What happens
        The certificate is expired, not valid yet, revoked, of a kind the machine cannot use, or for another name than
        the URL's.
    On the wire
        Alert 42 to 46 (bad, unsupported, revoked, expired, unknown certificate) or 112 (unrecognized name). Often
        there is no alert: then a certificate (readable up to TLS 1.2) whose time or names do not fit and a closed
        connection.
    Not to be confused with
        An authority that is not known (tls-unknown-ca). An expired certificate that UEFI HTTP boot takes all the same:
        edk2 does not look at times.
    Causes
        A certificate that was not renewed; a wrong clock in the machine; a URL with an address or a short name that
        the certificate does not list; keys or signatures that are too weak for the firmware.
    Fix
        A certificate for the URL's name, signed by the authority that the machine trusts, valid now, RSA of 2048 bits or more; set the machine's clock.
    Sources
        RFC 5246 section 7.2.2; RFC 6125; edk2 CryptoPkg TlsInit.c (X509_V_FLAG_NO_CHECK_TIME) and issue 12338; iPXE issue 147.
    """

    code = "tls-certificate"
    summary = "{name} refuses the certificate of {host}: {why}"
    expected = "A certificate that is valid now and names the host of the URL."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:
        alert = alert_of(tls)
        if alert and not alert[2] and tls.wants_certificate:
            return None  # the server speaks of the machine's certificate
        if alert and alert[0] in (42, 43, 44, 45, 46, 112):
            return "certain", f"alert {alert[0]} {alert[1]}"
        certificate = tls.certificate
        if alert or certificate is None:
            return None
        now = tls.client_hello_at.time
        reads_times = not case.is_http  # edk2 does not
        if reads_times and certificate.not_after is not None and certificate.not_after < now:
            return "likely", "it has expired"
        if reads_times and certificate.not_before is not None and certificate.not_before > now:
            return "likely", "it is not valid yet"
        host = (tls.client_hello.server_name or connection.server).lower()
        if certificate.names and not any(_covers(name.lower(), host) for name in certificate.names):
            return "likely", f"it is for {certificate.names[0]}"
        return None

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:  # noqa: ARG002
        host = tls.client_hello.server_name or connection.server
        if not _HOST.fullmatch(host):
            return ()
        kind = "DNS" if tls.client_hello.server_name else "IP"
        return (
            Fix(
                "openssl",
                "# ca.crt, ca.key: the authority that the machine trusts\n"
                "openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr "
                f"-subj /CN={host} -addext subjectAltName={kind}:{host}\n"
                "openssl x509 -req -in server.csr -copy_extensions copyall -CA ca.crt -CAkey ca.key -CAcreateserial "
                "-days 365 -out server.crt",
            ),
        )


def _covers(name: str, host: str) -> bool:
    """RFC 6125 section 6.4.3: a wildcard stands for one label."""
    if name.startswith("*."):
        return "." in host and host.split(".", 1)[1] == name[2:]
    return name == host
