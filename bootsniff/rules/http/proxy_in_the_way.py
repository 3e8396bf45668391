"""http-proxy-in-the-way; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from ..case import Case
from .exchanges import HttpStatusRule, status_of


class HttpProxyInTheWay(HttpStatusRule):
    """A web proxy stands between the machine and the boot server, and does not let it through.

    What happens
        The request ends at a proxy, which denies it or wants a login: boot programs cannot log in.
    On the wire
        Status 407; or another refusal (400, 401, 403) whose Server field names a proxy, or with X-Squid-Error.
    Not to be confused with
        A server that denies the file itself (http-403), also when a proxy passes that on (Via).
    Causes
        A transparent proxy for the whole network; a proxy address in the firmware's setup.
    Fix
        Let the boot server's address pass without the proxy.
    Sources
        RFC 9110 section 15.5.8; edk2 NetworkPkg HttpBootClient.c (HttpBootConnectProxy); lab captures with Squid.
    """

    code = "http-proxy-in-the-way"
    stage = "http"
    of_proxy = True
    summary = "a proxy at {server} does not let {url} through: status {status} {reason}"

    def applies(self, status: int) -> bool:
        return 400 <= status <= 499

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:  # noqa: ARG002
        if status_of(flow) == 400:
            return (Fix("squid", "http_port 3129 intercept   # for requests that were not meant for a proxy"),)
        return (Fix("squid", f"acl boot dst {flow.connection.server}\nhttp_access allow boot   # above every deny"),)
