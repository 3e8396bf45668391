"""The report as JSON: the document of docs/json.md, machine by machine. Its keys are a promise; the model may change.

Times are RFC 3339 in UTC with nanoseconds, durations seconds, unknown is null and never absent. Output is ASCII
(JSON escapes the rest), one machine a line, so that it passes through any pipe and any line-based tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..model import NANOSECONDS, Boot, CaptureInfo, Dhcp, Evidence, Fetch, Finding, Machine, Stage
from .pages import Pages
from .units import rfc3339

SCHEMA = "bootsniff-report/1"

_utf8 = msgspec.json.Encoder().encode
_NO_ASCII = re.compile(r"[^\x00-\x7f]+")


def _encode(value: object) -> str:
    """JSON in ASCII; what else text holds becomes escapes."""
    text = _utf8(value).decode()
    return text if text.isascii() else _NO_ASCII.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def document(report: Pages) -> Iterator[str]:
    """The text of the whole document in pieces, one machine at a time."""
    yield f'{{"schema":{_encode(SCHEMA)},\n"captures":['
    yield from _joined(_encode(capture_value(info)) for info in report.captures)
    yield '],\n"machines":['
    yield from _joined(_encode(machine_value(machine)) for machine in report.machines)
    yield '],\n"findings":['
    yield from _joined(_encode(finding_value(finding)) for finding in report.findings)
    yield f'],\n"counters":{_encode(dict(report.counters))}}}\n'


def line(value: dict[str, Any]) -> str:
    """One object on one line, with its line end."""
    return _encode(value) + "\n"


def capture_value(info: CaptureInfo) -> dict[str, Any]:
    return {
        "path": info.path,
        "format": info.format,
        "link_types": list(info.link_types),
        "interfaces": list(info.interfaces),
        "frames": info.frames,
        "bytes": info.bytes,
        "first": None if info.first is None else rfc3339(info.first),
        "last": None if info.last is None else rfc3339(info.last),
        "truncated": info.truncated,
        "problem": info.problem,
        "cut_frames": info.cut_frames,
        "undecoded_frames": info.undecoded_frames,
        "dropped_frames": info.dropped_frames,
        "clock_shift": info.clock_shift / NANOSECONDS,
    }


def machine_value(machine: Machine) -> dict[str, Any]:
    return {
        **identity_value(machine),
        "boots": [boot_value(boot) for boot in machine.boots],
        "findings": [finding_value(finding) for finding in machine.findings],
    }


def identity_value(machine: Machine) -> dict[str, Any]:
    """Who the machine is and how it stands, without its boots."""
    return {
        "mac": machine.mac,
        "uuid": machine.uuid,
        "hostname": machine.hostname,
        "vlan": machine.vlan,
        "vendor": machine.vendor,
        "addresses": list(machine.addresses),
        "status": machine.status,
    }


def boot_value(boot: Boot) -> dict[str, Any]:
    return {
        "start": rfc3339(boot.start),
        "end": rfc3339(boot.end),
        "status": boot.status,
        "stalled_at": boot.stalled_at,
        "stalled_stage": boot.stalled_stage,
        "waiting_for": boot.waiting_for or None,
        "stages": [stage_value(stage) for stage in boot.stages],
    }


def stage_value(stage: Stage) -> dict[str, Any]:
    return {**stage_head(stage), "fetches": [fetch_value(fetch) for fetch in stage.fetches]}


def stage_head(stage: Stage) -> dict[str, Any]:
    """The stage without its fetches."""
    return {
        "client": stage.client,
        "name": stage.name,
        "arch": list(stage.arch),
        "vendor_class": stage.vendor_class,
        "user_class": stage.user_class,
        "start": rfc3339(stage.start),
        "end": rfc3339(stage.end),
        "dhcp": None if stage.dhcp is None else dhcp_value(stage.dhcp),
    }


def dhcp_value(dhcp: Dhcp) -> dict[str, Any]:
    proxy = dhcp.proxy
    return {
        "version": dhcp.version,
        "status": dhcp.status,
        "discovers": dhcp.discovers,
        "offers": dhcp.offers,
        "requests": dhcp.requests,
        "acks": dhcp.acks,
        "server": dhcp.server,
        "offered_address": dhcp.offered_address,
        "address": dhcp.address,
        "boot_file": dhcp.boot_file,
        "boot_file_from": dhcp.boot_file_from,
        "next_server": dhcp.next_server,
        "vendor_class_echoed": dhcp.vendor_class_echoed,
        "proxy": None if proxy is None else {"server": proxy.server, "boot_file": proxy.boot_file, "via": proxy.via},
    }


def fetch_value(fetch: Fetch) -> dict[str, Any]:
    return {
        "protocol": fetch.protocol,
        "method": fetch.method,
        "url": fetch.url,
        "status": fetch.status,
        "bytes": fetch.bytes,
        "size": fetch.size,
        "start": rfc3339(fetch.start),
        "duration": seconds(fetch.duration),
        "retransmissions": fetch.retransmissions,
        "gaps": fetch.gaps,
        "error": fetch.error,
        "content": fetch.content,
        "options": dict(fetch.options),
        "capture": fetch.capture,
        "first_frame": fetch.first_frame,
        "last_frame": fetch.last_frame,
    }


def finding_value(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "boot": finding.boot,
        "stage": finding.stage,
        "subject": finding.subject or None,
        "summary": finding.summary,
        "expected": finding.expected or None,
        "proof": finding.proof or None,
        "explains": finding.explains,
        "evidence": [_evidence_value(evidence) for evidence in finding.evidence],
        "fixes": [{"for": fix.target, "text": fix.text} for fix in finding.fixes],
    }


def _evidence_value(evidence: Evidence) -> dict[str, Any]:
    return {
        "capture": evidence.capture,
        "frame": evidence.frame,
        "time": rfc3339(evidence.time),
        "role": evidence.role,
    }


def seconds(nanoseconds: int) -> float:
    """A duration as the document writes it."""
    return nanoseconds / NANOSECONDS


def _joined(pieces: Iterable[str]) -> Iterator[str]:
    separator = "\n"
    for piece in pieces:
        yield separator + piece
        separator = ",\n"
