"""tls-handshake-failed; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import TcpConnection, TlsHandshake
from ...model import Fix
from ...track.lost_response import took_no_hello
from ...wire.addresses import in_url
from .. import fixes, names, on_the_way
from ..case import Case
from .certificate import TlsCertificateRefused
from .cipher import TlsCipher
from .client_certificate import TlsClientCertificate
from .handshakes import MODERN, NO_CLIENT_CERTIFICATE, TlsRule, Verdict, alert_of, trust, waited_in_vain
from .unknown_ca import TlsUnknownCa
from .version import TlsVersion

_CAUSES = (TlsCertificateRefused(), TlsCipher(), TlsClientCertificate(), TlsUnknownCa(), TlsVersion())


class TlsHandshakeFailed(TlsRule):
    """The TLS handshake fails, and the packets do not say why.

    What happens
        Connection and ClientHello are there; then one side leaves.
    On the wire
        An alert that none of the other findings explains, or a closed connection right after the server's flight, or a
        server that answers the ClientHello in plain HTTP; or the server's flight again and again, and the machine
        acknowledges nothing of it. Or the server's flight, long silence, and the server's FIN: what the machine says then is
        lost.
        iPXE often sends no alert; in TLS 1.3 alerts are encrypted, and only a small record and FIN are seen.
    Not to be confused with
        Failures whose alert can be read (tls-unknown-ca, tls-certificate, tls-version, tls-cipher). A machine that leaves
        right after a certificate that it could read (tls-unknown-ca).
    Causes
        Most often an authority that is not known, then a name or time that does not fit. A port that speaks no TLS. A
        tunnel on the way with a smaller MTU, which the server's certificates do not get through.
    Fix
        Look at the machine's screen: iPXE shows an error number with a link; try with TLS 1.2, where alerts are
        readable.
    Sources
        RFC 8446 section 6; iPXE error 0216eb3c; edk2 issue 12651.
    """

    code = "tls-handshake-failed"
    summary = "the TLS handshake of {name} with {host} fails: {why}"
    expected = "Encrypted requests of the machine."

    def verdict(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> Verdict | None:
        if tls.foreign:
            return "certain", f"the server answers {_language(tls.foreign)}, not TLS, on port {connection.server_port}"
        if any(cause.verdict(case, connection, tls) for cause in _CAUSES):
            return None
        alert = alert_of(tls)
        if alert is not None:
            return "certain", f"alert {alert[0]} {alert[1]} from the {'machine' if alert[2] else 'server'}"
        if took_no_hello(connection):
            return (
                "likely",
                "the machine acknowledges nothing of the server's answer; large packets may not get through",
            )
        waited = waited_in_vain(connection, tls)
        if waited:
            deaf = "what the machine sends behind its certificate is not answered"
            mute = "nothing of the machine gets here behind its certificate"
            return "likely", f"{deaf if tls.went_on else mute}, and the server closes after {names.seconds(waited)}"
        if connection.reset and not connection.reset_by_client:
            return "likely", "the server resets the connection"
        if connection.reset or connection.fin_from_client:
            own = "; the server asks for one of the machine's, too" if tls.wants_certificate else ""
            return "likely", "the machine leaves" + (
                f" after the server's certificate{own}" if tls.server_hello else ""
            )
        return "possible", "it does not come to an end"

    def mend(self, case: Case, connection: TcpConnection, tls: TlsHandshake) -> tuple[Fix, ...]:
        if tls.foreign:
            return (
                Fix("nginx", f"listen {connection.server_port} ssl;"),
                Fix(
                    "shell",
                    f"openssl s_client -connect {in_url(connection.server)}:{connection.server_port} </dev/null",
                ),
            )
        if took_no_hello(connection):
            return fixes.SMALLER_SEGMENTS
        if waited_in_vain(connection, tls):
            return on_the_way.BRIDGE
        asks = alert_of(tls) is None and tls.wants_certificate
        # iPXE without a certificate of its own may leave at that question, even where the answer is optional (issue 1431).
        return (*((NO_CLIENT_CERTIFICATE,) if asks else ()), *trust(case), MODERN)


def _language(data: bytes) -> str:
    if data.startswith(b"HTTP/"):
        return "in plain HTTP"
    return "with a web page" if data.lstrip().startswith(b"<") else "in another protocol's bytes"
