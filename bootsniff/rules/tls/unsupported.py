"""tls-unsupported; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Evidence, Finding, Fix
from ...track.kinds import is_http_client, is_ipxe
from ...track.records import Heard
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe, naming
from ..rule import Rule


class TlsUnsupported(Rule):
    """The boot URL is https and the program never starts TLS.

    What happens
        The machine was given an https URL and its firmware, or the iPXE build, cannot do TLS, or has no certificate
        authority enrolled and does not even try.
    On the wire
        The whole DHCP exchange with an https URL; then nothing, or a TCP connection that is closed without a ClientHello.
        iPXE lists its features in option 175: without https among them it is certain.
    Not to be confused with
        A handshake that fails (a ClientHello is there: the tls- findings); a port that does not answer (tcp-filtered); http
        that is switched off (http-plain-disabled).
    Causes
        Firmware built without TLS, iPXE built without DOWNLOAD_PROTO_HTTPS (the default of many packages), no TLS
        authentication configured.
    Fix
        Use http, or a build with TLS, and enrol the certificate authority.
    Sources
        edk2 NetworkPkg HttpBootDxe and TlsAuthConfigDxe; iPXE buildcfg DOWNLOAD_PROTO_HTTPS.
    """

    code = "tls-unsupported"
    stage = "tls"
    summary = "{name} was given {url} and starts no TLS"

    def concerns(self, client: str) -> bool:
        return is_http_client(client) or is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        url = case.boot_file or ""
        if not url.lower().startswith("https://") or case.stage.fetches:
            return
        if not case.dhcp4 or not case.acks:
            return
        connections = case.stage.connections
        if any(c.tls or c.exchanges or (c.syns and not c.syn_ack) for c in connections):
            return
        if any(not (look.answer and look.answer.addresses) for look in case.stage.lookups) and not connections:
            return
        opened = [c for c in connections if c.established]
        proof: list[Evidence] = []
        for connection in opened[:1]:
            proof += maybe(connection.syn_ack, "connection to the server")
            proof += maybe(connection.reset or connection.fin_from_client, "closed without a ClientHello")
        told = _features(case)
        if told and "https" in told[1]:
            return  # this build can do TLS: something else is in the way
        if told:
            proof.insert(0, evidence(told[0], "iPXE lists its features: no https"))
        confidence: Confidence = (
            "certain" if told else "likely" if opened or case.world.quality.tcp_seen else "possible"
        )
        plain = "http://" + url[len("https://") :]
        yield self.finding(
            case,
            [*naming(case), *(evidence(ack.heard, "lease, no ClientHello follows") for ack in case.acks[-1:]), *proof],
            confidence=confidence,
            subject=url,
            name=case.stage.name or case.client,
            url=url,
            expected="A TLS ClientHello to the server.",
            proof="" if told else "The same boot with an http URL.",
            fixes=(
                *(fixes.http_boot(case, plain) if case.is_http else fixes.boot_file(case, plain)),
                Fix(
                    "ipxe",
                    "#define DOWNLOAD_PROTO_HTTPS   /* config/local/general.h */\nmake bin-x86_64-efi/ipxe.efi TRUST=ca.crt",
                ),
            ),
        )


def _features(case: Case) -> tuple[Heard[DhcpMessage], tuple[str, ...]] | None:
    """What an iPXE says it was built with (option 175), and where; None when it says nothing."""
    for heard in case.dhcp4.discovers if case.dhcp4 and case.is_ipxe else ():
        options = dhcp_options.ipxe(heard.message)
        if options and options.features:
            return heard, options.features
    return None
