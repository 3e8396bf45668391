"""http-proxy-in-the-way; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from ..case import Case
from .exchanges import HttpStatusRule


class HttpProxyInTheWay(HttpStatusRule):
    """A web proxy stands between the machine and the boot server, and wants a login.

    What happens
        The request ends at a proxy, which boot programs cannot log in to.
    On the wire
        Status 407, often with Via or Proxy-Authenticate.
    Not to be confused with
        A server that denies the file itself (http-403).
    Causes
        A transparent proxy for the whole network; a proxy address in the firmware's setup.
    Fix
        Let the boot server's address pass without the proxy.
    Sources
        RFC 9110 section 15.5.8; edk2 NetworkPkg HttpBootClient.c (HttpBootConnectProxy).
    """

    code = "http-proxy-in-the-way"
    stage = "http"
    summary = "a proxy at {server} wants a login for {url}: status {status} {reason}"

    def applies(self, status: int) -> bool:
        return status == 407

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:  # noqa: ARG002
        return (Fix("squid", f"acl boot dst {flow.connection.server}\nhttp_access allow boot"),)
