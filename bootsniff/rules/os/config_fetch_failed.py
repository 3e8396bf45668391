"""os-config-fetch-failed; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import DnsLookup, HttpExchange, TcpConnection, TftpTransfer
from ...model import Evidence, Finding, Fix
from ...track.exchanges import Arps, Dhcp4Exchange
from ...track.os_outcome import is_wanted, missed, mount_refused, unheard, unnamed, unreached, way_to_told
from ...track.records import FetchRecord
from ...wire import mount, ports
from .. import fixes, names, quoting
from ..case import Case
from ..dns import lookup_failed as dns
from ..evidence import evidence, first_and_last, maybe
from ..http import exchanges
from ..rule import Rule
from ..tftp import transfers

_MANY = 3
_SEED = re.compile(r"[^/=](?:meta-data|user-data|vendor-data)$")
"""cloud-init puts these names right behind the URL that it is given (cloudinit/util.py, read_seeded)."""
_NO_SLASH = "; the URL of the seed (s=, seedfrom=) has no slash at its end"


class OsConfigFetchFailed(Rule):
    """The started system cannot fetch its configuration or its root file system.

    What happens
        The installer or first-boot program runs and wants its answers (kickstart, preseed, Ignition, cloud-init), or a live
        system its file system, and gets an error or nobody answers. It tries again and again, or stops with a question or
        a shell.
    On the wire
        The system's own DHCP exchange, then ARP, DNS, TCP, TFTP or HTTP without success for what the arguments of its kernel
        name (fetch=, url=, inst.ks=, root=live: and so on), once or repeated every few seconds.
    Not to be confused with
        Things an installer looks for and does without (.treeinfo, updates.img, vendor-data); clocks, updates and other
        servers that no script of the boot names; whatever a system with its root file system asks for.
    Causes
        A misspelt path or port in the arguments of the kernel; a server that goes by the address, which changed because the
        system sends another client identifier; a name that cannot be looked up; https without the authority; a filtered port.
    Fix
        The file at this path; an address in the URL; the same lease for all boot programs.
    Sources
        fedoraproject.org, Anaconda network issues; coreos/bugs issues 981 and 1432; tinkerbell/tinkerbell issue 223.
    """

    code = "os-config-fetch-failed"
    stage = "os"
    explains_away = (
        "dns-lookup-failed",
        "tcp-refused",
        "tcp-filtered",
        "tftp-file-not-found",
        "arp-next-server-unanswered",
    )
    summary = "the started system cannot fetch {what}: {why}"

    def concerns(self, client: str) -> bool:
        return client == "os"

    def check(self, case: Case) -> Iterator[Finding]:
        stage = case.stage
        bad = [fetch for fetch in stage.fetches if fetch.in_vain and not case.came_later(fetch)]
        last = missed(stage)
        culprit = last or next((fetch for fetch in bad if is_wanted(stage, fetch)), None)
        if culprit is None:
            yield from self._unreached(case)
            return
        if _is_broken_off(culprit.flow):
            return  # tcp-reset-or-stall-mid-body tells how
        same = [fetch for fetch in bad if names.path_of(fetch) == names.path_of(culprit)]
        yield self._fetch(case, same[0], sure=is_wanted(stage, culprit) or len(same) >= _MANY)

    def _fetch(self, case: Case, fetch: FetchRecord, *, sure: bool) -> Finding:
        return self.finding(
            case,
            _proof(fetch),
            confidence="certain" if sure else "likely",
            subject=fetch.flow.url,
            what=fetch.flow.url,
            why=_why(fetch) + (_NO_SLASH if _SEED.search(fetch.flow.url) else ""),
            expected="The file.",
            proof="" if sure else "The machine's screen or its installer log.",
            fixes=_fixes(case, fetch),
        )

    def _unreached(self, case: Case) -> Iterator[Finding]:
        """No request came to be: the connection or the name failed."""
        tries = unreached(case.stage)
        if tries and all(one.tls is None for one in tries):  # rules of their own tell of TLS
            yield self._without_connection(case, tries)
        asked = unnamed(case.stage)
        if asked:
            yield self._without_address(case, asked)
        refused = mount_refused(case.stage)
        if refused and refused[-1].mount_refused is not None:
            yield self._without_mount(case, refused[-1], *refused[-1].mount_refused)
        arps = unheard(case.stage)
        if arps is not None and case.failed_here:
            yield self._without_hardware_address(case, arps)

    def _without_mount(self, case: Case, connection: TcpConnection, directory: str, status: int) -> Finding:
        server = connection.server
        return self.finding(
            case,
            [
                *(evidence(syn, "SYN to the mount service") for syn in connection.syns[:1]),
                *maybe(connection.mount_refused_at, f"reply to the mount: {mount.words(status)}"),
            ],
            subject=f"{server}:{directory}",
            what=f"{server}:{directory} by NFS",
            why=mount.words(status),
            expected="A reply with a file handle.",
            fixes=(
                Fix(
                    "shell",
                    f"exportfs -v   # on {server}: is it exported, and to this network?\n"
                    f"ls -ld {quoting.shell(directory)}",
                ),
            ),
        )

    def _without_hardware_address(self, case: Case, arps: Arps) -> Finding:
        way = way_to_told(case.stage, arps.target)
        lease = case.lease
        return self.finding(
            case,
            first_and_last(arps.requests, f"ARP who-has {arps.target}"),
            confidence="likely" if case.silence() == "likely" else "possible",
            subject=arps.target,
            what=f"anything {'by way of' if way else 'from'} {arps.target}",
            why=f"nobody answers ARP for it{f', the {way} of its lease' if way else ''}",
            expected=f"An ARP reply for {arps.target}.",
            proof=f"arping {arps.target} from another host of this network.",
            fixes=(
                Fix(
                    "shell",
                    f"ip -brief address show   # on the {way or 'server'}: does it have {arps.target}?",
                ),
                *(fixes.router(case, lease) if way == "router" and lease is not None else ()),
                *(
                    fixes.option(case, 6, lease.server, "domain-name-servers", "domain-name-servers")
                    if way == "name server" and lease is not None
                    else ()
                ),
            ),
        )

    def _without_connection(self, case: Case, tries: list[TcpConnection]) -> Finding:
        last = tries[-1]
        refused = last.reset is not None and not last.established
        dropped = last.established
        return self.finding(
            case,
            [
                *first_and_last([syn for one in tries for syn in one.syns], f"SYN to port {last.server_port}"),
                *maybe(last.reset, "RST"),
            ],
            confidence="certain" if refused else "likely",
            subject=f"{last.server}:{last.server_port}",
            what=f"anything from {last.server} port {last.server_port}",
            why=f"the connection ends after {names.seconds(last.last.time - last.start)}"
            if dropped
            else "connection refused"
            if refused
            else "no answer",
            expected="A connection that stays open." if dropped else "A SYN-ACK.",
            proof="" if refused else f"The log of {last.server}." if dropped else f"A capture on {last.server}.",
            fixes=_connect(last, dropped=dropped),
        )

    def _without_address(self, case: Case, asked: list[DnsLookup]) -> Finding:
        last = asked[-1]
        answer = next((one for one in reversed(asked) if one.answer is not None), None)
        return self.finding(
            case,
            [
                *first_and_last([query for one in asked for query in one.queries], f"DNS query for {last.name}"),
                *maybe(answer.answer_at if answer else None, "answer without an address"),
            ],
            confidence="certain" if answer else "likely",
            subject=last.name,
            what=f"anything from {last.name}",
            why=f"{last.server} knows no address for it" if answer else f"{last.server} does not answer",
            expected=f"An address for {last.name}.",
            proof="" if answer else f"dig @{last.server} {last.name}",
            fixes=dns.fixes_for(case, last.name),
        )


def _is_broken_off(flow: TftpTransfer | HttpExchange) -> bool:
    """Whether the file came in part."""
    if not isinstance(flow, HttpExchange) or flow.complete or flow.content_length is None:
        return False
    return exchanges.status_of(flow) in (200, 206)


def _why(fetch: FetchRecord) -> str:
    flow = fetch.flow
    if isinstance(flow, HttpExchange):
        status = exchanges.status_of(flow)
        return f"status {status}" if status else "no answer"
    if flow.error is None:
        return "no answer"
    return "file not found" if fetch.missing else f"TFTP error {flow.error.code}"


def _proof(fetch: FetchRecord) -> Iterator[Evidence]:
    flow = fetch.flow
    return transfers.proof(flow) if isinstance(flow, TftpTransfer) else exchanges.proof(flow)


def _fixes(case: Case, fetch: FetchRecord) -> tuple[Fix, ...]:
    flow = fetch.flow
    if isinstance(flow, TftpTransfer):
        look = f"ls -l {quoting.shell(transfers.place(flow))}"
    elif fetch.missing:
        look = f"ls -l {quoting.shell(exchanges.path_on_disk(flow))}\ncurl -sI {quoting.shell(flow.url)}"
    else:
        look = f"curl -sv -m 10 -o /dev/null {quoting.shell(flow.url)}   # from another host of this network"
    return fixes.arrange(case, Fix("shell", look), *(fixes.dnsmasq("dhcp-ignore-clid") if _has_moved(case) else ()))


def _has_moved(case: Case) -> bool:
    """Whether the system has another address than the boot programs had: a server may go by it."""
    own = {ack.address for ack in case.acks if ack.address}
    before = {
        heard.message.your_ip
        for stage in case.boot.stages[: case.stage_index]
        if isinstance(stage.dhcp, Dhcp4Exchange)
        for heard in stage.dhcp.acks
    }
    return bool(own and before and not own & before)


def _connect(connection: TcpConnection, *, dropped: bool) -> tuple[Fix, ...]:
    server, port = connection.server, connection.server_port
    if dropped:
        look = (
            f"nbd-client -l {server}   # which exports it has" if port == ports.NBD else f"exportfs -v   # on {server}"
        )
    else:
        look = f"ss -ltnp 'sport = :{port}'   # on {server}: does anything listen, and for this network?"
    return (Fix("shell", look),)
