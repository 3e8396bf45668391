"""http-404; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from .. import fixes, names, quoting, unset
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
        make scripts per machine answer 404 for machines that are not to boot. IIS says 404 as well where it knows no MIME
        type for a file's ending (404.3): .ipxe, .wim, .sdi, .n12, and names without one, such as BCD.
    Fix
        Put the file there, or correct the URL.
    Sources
        RFC 9110 section 15.5.5; edk2 NetworkPkg HttpBootSupport.c; iPXE httpcore.c; tinkerbell/tinkerbell issue 223; learn.microsoft.com, IIS
        staticContent/mimeMap.
    """

    code = "http-404"
    stage = "http"
    summary = "{server} has no {url}: status {status} {reason}{hint}"

    def applies(self, status: int) -> bool:
        return status in (404, 410)

    def hint(self, case: Case, flow: HttpExchange) -> str:
        return unset.hint(case, flow.url)

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        if flow.response is not None and (flow.response.get("server") or "").startswith("Microsoft-IIS"):
            return (_mime_type(path_on_disk(flow)),)
        path = quoting.shell(path_on_disk(flow))
        return fixes.arrange(
            case,
            Fix("shell", f"ls -l {path}\ncurl -sI {quoting.shell(flow.url)}"),
            Fix("nginx", "root /var/www/html;   # of the server that answers: nginx -T"),
            Fix("apache", "apache2ctl -S   # which virtual host answers, and what is its DocumentRoot?"),
        )


def _mime_type(path: str) -> Fix:
    """A type for the ending, in IIS."""
    _, dot, ending = names.base(path).rpartition(".")
    known = f".{ending}" if dot and ending.isascii() and ending.isalnum() else "."
    line = (
        f"appcmd set config /section:staticContent /+\"[fileExtension='{known}',mimeType='application/octet-stream']\""
    )
    return Fix("windows", f"{line}   # IIS says 404 to endings that it does not know")
