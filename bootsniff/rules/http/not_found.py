"""http-404; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from .. import fixes, quoting
from ..case import Case
from .exchanges import HttpStatusRule, path_on_disk


class Http404(HttpStatusRule):
    """The web server has no such file.

    What happens
        The server answers, but does not know the path of the boot URL or of what a script named. iPXE shows 2d0c618e.
    On the wire
        GET or HEAD, status 404 or 410.
    Not to be confused with
        Optional extras that fail in healthy boots (autoexec.ipxe). A server that may not hand the file out (http-403).
    Causes
        A typing mistake, another document root or virtual host, doubled slashes, a file that was never copied. Servers that
        make scripts per machine answer 404 for machines that are not to boot.
    Fix
        Put the file there, or correct the URL.
    Sources
        RFC 9110 section 15.5.5; edk2 NetworkPkg HttpBootSupport.c; iPXE httpcore.c; tinkerbell/tinkerbell issue 223.
    """

    code = "http-404"
    stage = "http"
    summary = "{server} has no {url}: status {status} {reason}"

    def applies(self, status: int) -> bool:
        return status in (404, 410)

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        path = quoting.shell(path_on_disk(flow))
        return fixes.arrange(
            case,
            Fix("shell", f"ls -l {path}\ncurl -sI {quoting.shell(flow.url)}"),
            Fix("nginx", "root /var/www/html;   # of the server that answers: nginx -T"),
            Fix("apache", "apache2ctl -S   # which virtual host answers, and what is its DocumentRoot?"),
        )
