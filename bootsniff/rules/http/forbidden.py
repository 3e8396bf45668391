"""http-403; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from ...wire import urls
from .. import fixes, names, quoting
from ..case import Case
from .exchanges import HttpStatusRule, path_on_disk, status_of, web_path


class Http403(HttpStatusRule):
    """The web server will not give the file to this machine.

    What happens
        The server answers that access is denied or that a login is wanted, which boot programs cannot give.
    On the wire
        GET or HEAD, status 401 or 403.
    Not to be confused with
        A file that is not there (http-404).
    Causes
        A URL that ends in “/”, or that the server redirects to such a one: a directory, which servers do not list by default.
        A login for the whole site. File modes, SELinux labels, address ranges in the configuration (Require ip), a machine that the provisioning server
        does not allow to boot.
    Fix
        Make the file readable for the web server, restore its label, allow the network. Name a file, not a directory. Serve
        boot files without a login.
    Sources
        RFC 9110 sections 15.5.2 and 15.5.4; edk2 NetworkPkg HttpBootSupport.c; iPXE httpcore.c.
    """

    code = "http-403"
    stage = "http"
    explains_away = ("chain-no-config-found",)
    summary = "{server} denies {url}: status {status} {reason}{hint}"

    def applies(self, status: int) -> bool:
        return status in (401, 403)

    def hint(self, case: Case, flow: HttpExchange) -> str:
        same = case.http_of[flow.url]
        logs_in = any(one.request is not None and one.request.get("Authorization") for one in same)
        return (
            ", although the machine sends a login: its name or its password is wrong"
            if logs_in and status_of(flow) == 401
            else ""
        )

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        if status_of(flow) == 401:
            return fixes.arrange(
                case,
                Fix("nginx", f"location = {web_path(flow)} {{\n  auth_basic off;\n}}"),
                Fix("apache", "<Directory /var/www/html>\n  AuthType None\n  Require all granted\n</Directory>"),
                Fix("shell", f"curl -sI {quoting.shell(flow.url)} | grep -i ^www-authenticate   # who wants the login"),
            )
        path = quoting.shell(path_on_disk(flow))
        if not names.base(urls.path_of(flow.url)):
            return (Fix("shell", f"ls {path}   # a directory: the URL has to name a file in it"),)
        client = flow.connection.client
        network = client.rsplit(".", 1)[0] + ".0/24" if "." in client else client
        return fixes.arrange(
            case,
            Fix("shell", f"chmod o+r {path}\nrestorecon -Rv /var/www/html"),
            Fix("apache", f"<Directory /var/www/html>\n  Require ip {network}\n</Directory>"),
            Fix("nginx", f"allow {network};   # before any deny"),
        )
