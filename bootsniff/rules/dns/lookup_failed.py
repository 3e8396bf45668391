"""dns-lookup-failed; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import DnsLookup
from ...model import Confidence, Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..rule import Rule

_RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


_HOST_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
_A, _AAAA = 1, 28
"""Query types (RFC 1035 section 3.2.2, RFC 3596)."""


class DnsLookupFailed(Rule):
    """The name of the boot server cannot be looked up.

    What happens
        The boot URL has a host name. The name server does not know it, refuses, or does not answer, so no connection is even
        tried.
    On the wire
        A query and NXDOMAIN, SERVFAIL or REFUSED, or repeated queries without an answer; no SYN. An answer with IPv6
        addresses only to a machine that has IPv4 only is no answer either.
    Not to be confused with
        No name server given at all (dns-server-missing-for-name-uri). A failed AAAA query beside an A query that went well;
        a search domain that was tried first.
    Causes
        The name exists in another DNS view only; libvirt's localOnly domain; the name server is wrong or filtered. Where
        option 6 lists several, iPXE asks the first of them alone.
    Fix
        Add the name to the name server the machine was given, or use an address in the URL.
    Sources
        RFC 1035 section 4.1.1; edk2 NetworkPkg HttpBootClient.c and DnsImpl.h; iPXE net/udp/dns.c; netboot.xyz issue 185.
    """

    code = "dns-lookup-failed"
    stage = "dns"
    needs = "lookups"
    summary = "{server} {answer} for {name}"

    def check(self, case: Case) -> Iterator[Finding]:
        lookups = case.stage.lookups
        solved = {lookup.name.lower().rstrip(".") for lookup in lookups if _solved(lookup)}
        every = {lookup.name.lower().rstrip(".") for lookup in lookups}
        seen: set[str] = set()
        for lookup in lookups:
            name = lookup.name.lower().rstrip(".")
            if (
                name in solved
                or name in seen
                or _is_variant(name, every)
                or any(other.startswith(name + ".") or name.startswith(other + ".") for other in solved)
            ):
                continue
            if case.stage.fetches and case.stage.fetches[-1].start > lookup.last.time:
                continue  # it found another way
            verdict = _verdict(case, [other for other in lookups if other.name.lower().rstrip(".") == name])
            if verdict is None:
                continue
            seen.add(name)
            confidence, answer, decisive = verdict
            six = decisive.query_type == _AAAA and not any(
                other.query_type == _A and other.name == decisive.name for other in lookups
            )
            spare = _not_asked(case) if confidence != "certain" else []
            yield self.finding(
                case,
                [
                    *first_and_last(decisive.queries, f"DNS query for {decisive.name}"),
                    *maybe(decisive.answer_at, f"{decisive.server} {answer}"),
                    *(evidence(n.at, f"ICMP unreachable from {n.sender}") for n in decisive.icmp[:1]),
                ],
                confidence=confidence,
                subject=decisive.name,
                server=decisive.server,
                answer=answer,
                name=(f"the IPv6 address of {decisive.name}" if six else decisive.name)
                + (f"; the machine does not ask {names.joined(spare)}, which the lease names too" if spare else ""),
                expected=f"An {'IPv6 ' if six else ''}address for {decisive.name}.",
                proof="" if confidence == "certain" else f"dig @{decisive.server} {decisive.name}{' AAAA' * six}",
                fixes=(
                    *_other_first(case, spare),
                    *fixes_for(case, decisive.name, decisive.server, six=six),
                ),
            )


def _not_asked(case: Case) -> list[str]:
    """The other name servers of the lease, where the machine asks one alone: iPXE takes the first of them (net/udp/dns.c)."""
    asked = {lookup.server for lookup in case.stage.lookups}
    listed = case.lease.dns_servers if case.lease else ()
    return [server for server in listed if server not in asked] if any(one in asked for one in listed) else []


def _other_first(case: Case, spare: list[str]) -> tuple[Fix, ...]:
    return fixes.option(case, 6, spare[0], "domain-name-servers", "domain-name-servers") if spare else ()


def _is_variant(name: str, every: set[str]) -> bool:
    """Whether another one of these names is the one that is meant.

    A name without a dot is meant with the search domain behind it, and one with dots without (RFC 1034 section 3.1).
    """
    return any(
        other.startswith(f"{name}.") if "." not in name else name.startswith(f"{other}.") and "." in other
        for other in every
    )


def fixes_for(case: Case, name: str, asked: str = "", *, six: bool = False) -> tuple[Fix, ...]:
    """Have a name server know the name; one of the Internet, which was asked, never will."""
    if not _HOST_NAME.fullmatch(name):
        return ()
    address = f"{fixes.prefix6(case)}1" if six else fixes.address_of_server(case)
    own = f"dhcp-option=6,{case.lease.server}\n" if case.lease and names.is_public(asked) else ""
    return fixes.arrange(
        case,
        Fix("dnsmasq", f"{own}host-record={name},{address}"),
        Fix("libvirt", f"<dns><host ip='{address}'><hostname>{name}</hostname></host></dns>"),
    )


def _solved(lookup: DnsLookup) -> bool:
    return bool(lookup.answer and lookup.answer.addresses and lookup.query_type == _A) or bool(
        lookup.answer and any(":" not in address for address in lookup.answer.addresses)
    )


def _verdict(case: Case, lookups: list[DnsLookup]) -> tuple[Confidence, str, DnsLookup] | None:
    for lookup in lookups:
        if lookup.answer and lookup.answer.rcode:
            return "certain", f"answers {_RCODES.get(lookup.answer.rcode, f'code {lookup.answer.rcode}')}", lookup
    for lookup in lookups:
        if lookup.icmp:
            return "certain", "runs no name server (ICMP unreachable)", lookup
    answered = [lookup for lookup in lookups if lookup.answer]
    if answered:
        six = any(lookup.answer and lookup.answer.addresses for lookup in answered)
        if six and any(":" in address for address in case.machine.addresses):
            return None
        return "certain", "knows IPv6 addresses only" if six else "has no address", answered[-1]
    silent = max(lookups, key=lambda lookup: lookup.query_count)
    return (case.silence(), "does not answer", silent) if silent.query_count >= 2 or case.gave_up else None
