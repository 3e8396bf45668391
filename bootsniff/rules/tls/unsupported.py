"""tls-unsupported; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Evidence, Finding, Fix
from ...track.kinds import is_http_client, is_ipxe
from ...track.next_file import Features, ipxe_features, next_without_tls
from ...wire.http import is_https
from .. import fixes, quoting
from ..case import Case
from ..evidence import evidence, maybe, naming
from ..rule import Rule
from .handshakes import ENROL

_PROOF = "The firmware's setup (Tls Auth Configuration): is an authority enrolled? Or the same boot with an http URL."


class TlsUnsupported(Rule):
    """The boot URL, or one in a script, is https and the program never starts TLS.

    What happens
        The machine was given an https URL and its firmware, or the iPXE build, cannot do TLS. edk2 with no certificate
        authority enrolled at all does not even try: it asks for no ARP and opens no connection ("Remote boot cancelled").
    On the wire
        The whole DHCP exchange with an https URL, or a script whose next line names one; then nothing, or a TCP connection
        that is closed without a ClientHello.
        iPXE lists its features in option 175: without https among them it is certain.
    Not to be confused with
        A handshake that fails (a ClientHello is there: the tls- findings); a port that does not answer (tcp-filtered); http
        that is switched off (http-plain-disabled). A machine that asks by ARP for its server: it is about to connect.
    Causes
        Firmware built without TLS, iPXE built without DOWNLOAD_PROTO_HTTPS (the default of many packages), no TLS
        authentication configured: an empty TlsCaCertificate variable, as after a reset of the firmware's settings.
    Fix
        Enrol the certificate authority; a build with TLS, or http.
    Sources
        edk2 NetworkPkg HttpDxe HttpsSupport.c (TlsConfigCertificate), HttpBootDxe and TlsAuthConfigDxe; iPXE buildcfg
        DOWNLOAD_PROTO_HTTPS; lab captures.
    """

    code = "tls-unsupported"
    stage = "tls"
    summary = "{name} was given {url} and starts no TLS{why}"

    def concerns(self, client: str) -> bool:
        return is_http_client(client) or is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._scripted(case) if case.stage.fetches else self._booted(case)

    def _booted(self, case: Case) -> Iterator[Finding]:
        """DHCP names the URL, and nothing was fetched."""
        url = case.boot_file or ""
        if not is_https(url) or not case.dhcp4 or not case.acks:
            return
        told = ipxe_features(case.stage)
        if "https" in told[1] if told else not case.world.quality.sees_tcp:
            return  # this build can do TLS, so that something else is in the way; or its connections cannot show
        connections = case.stage.connections
        if any(c.tls or c.exchanges or (c.syns and not c.syn_ack) for c in connections):
            return
        if any(not (look.answer and look.answer.addresses) for look in case.stage.lookups) and not connections:
            return
        if not connections and any(arps.target not in case.addresses for arps in case.stage.arps):
            return  # it looks for somebody to talk to, and this capture does not show what they say
        opened = [c for c in connections if c.established]
        proof: list[Evidence] = []
        for connection in opened[:1]:
            proof += maybe(connection.syn_ack, "connection to the server")
            proof += maybe(connection.reset or connection.fin_from_client, "closed without a ClientHello")
        confidence: Confidence = (
            "certain" if told else "likely" if opened or case.world.quality.tcp_seen else "possible"
        )
        seen = [*naming(case), *(evidence(ack.heard, "lease, no ClientHello follows") for ack in case.acks[-1:])]
        plain = _without_tls(url)
        built = (*fixes.boot_file(case, plain), fixes.IPXE_WITH_HTTPS)
        repair = (ENROL, *fixes.http_boot(case, plain)) if case.is_http else built
        yield self._found(case, url, [*_listed(told), *seen, *proof], confidence, repair, certain=bool(told))

    def _scripted(self, case: Case) -> Iterator[Finding]:
        """A script names the URL, everything before it was fetched, and then nothing more came."""
        stage, last = case.stage, case.stage.fetches[-1]
        named = next_without_tls(stage) if case.failed_here and case.is_ipxe and last.status == "complete" else None
        if named is None or named[0].pieces is not None:
            return
        wanted, told = named
        if any(c.start > last.start and not c.exchanges for c in stage.connections):
            return
        if any(not (look.answer and look.answer.addresses) for look in stage.lookups):
            return
        seen = [evidence(wanted.at, f"{wanted.named_in} names {wanted.url}, no ClientHello follows")]
        command = wanted.role if wanted.role in ("kernel", "initrd") else "chain"
        repair = (Fix("ipxe", f"{command} {quoting.ipxe(_without_tls(wanted.url))}"), fixes.IPXE_WITH_HTTPS)
        confidence: Confidence = "certain" if told else "likely"
        yield self._found(case, wanted.url, [*_listed(told), *seen], confidence, repair, certain=bool(told))

    def _found(
        self,
        case: Case,
        url: str,
        seen: list[Evidence],
        confidence: Confidence,
        repair: tuple[Fix, ...],
        *,
        certain: bool,
    ) -> Finding:
        return self.finding(
            case,
            seen,
            confidence=confidence,
            subject=url,
            name=case.stage.name or case.client,
            url=url,
            why=": no authority is enrolled in it, or it cannot do TLS" if case.is_http else "",
            expected="A TLS ClientHello to the server.",
            proof="" if certain else _PROOF if case.is_http else "The same boot with an http URL.",
            fixes=repair,
        )


def _without_tls(url: str) -> str:
    return "http://" + url[len("https://") :]


def _listed(told: Features | None) -> Iterator[Evidence]:
    if told:
        yield evidence(told[0], "iPXE lists its features: no https")
