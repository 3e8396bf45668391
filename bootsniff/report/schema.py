"""The JSON Schema of the report document, as `bootsniff schema` prints it and docs/report.schema.json keeps it."""

from __future__ import annotations

import json
from typing import Any, get_args

from ..model import Confidence, DhcpStatus, FetchStatus, Severity, StallPoint, Status
from .json import SCHEMA

Schema = dict[str, Any]


def schema_text() -> str:
    """The schema, indented, with its last line end."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> Schema:
    """The document's schema. Keys may be added by later versions, so unknown ones are allowed everywhere."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": "What bootsniff found in one or several captures",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "captures": _list({"$ref": "#/$defs/capture"}),
                "machines": _list({"$ref": "#/$defs/machine"}),
                "findings": _list({"$ref": "#/$defs/finding"}, "Of the network, not of one machine."),
                "counters": {
                    "type": "object",
                    "additionalProperties": _COUNT,
                    "description": "What bounds threw away, and what failed: rules, as failed_rule: and their code, events, as failed_event: and their protocol, and failed_machines; one_sided is 1 when answers that machines went on from are not in the captures, broadcasts_only when no packet is for a boot client alone. Empty when nothing.",
                },
            }
        ),
        "$defs": {
            "time": {
                "type": "string",
                "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$",
                "description": "RFC 3339, UTC, nanoseconds.",
            },
            "capture": _capture(),
            "machine": _machine(),
            "boot": _boot(),
            "stage": _stage(),
            "dhcp": _dhcp(),
            "fetch": _fetch(),
            "finding": _finding(),
        },
    }


_STRING: Schema = {"type": "string"}
_TEXT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_INDEX: Schema = {"type": ["integer", "null"], "minimum": 0}
_FRAME: Schema = {"type": "integer", "minimum": 1, "description": "As Wireshark numbers them, per capture."}
_TIME: Schema = {"$ref": "#/$defs/time"}


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: Schema, description: str = "") -> Schema:
    return {"type": "array", "items": items} | ({"description": description} if description else {})


def _maybe(value: Schema) -> Schema:
    return {"anyOf": [value, {"type": "null"}]}


def _described(value: Schema, description: str) -> Schema:
    return value | {"description": description}


def _words(literal: Any) -> Schema:
    return {"enum": list(get_args(literal))}


def _capture() -> Schema:
    return _object(
        {
            "path": _STRING,
            "format": _described(_STRING, "pcap, pcapng, live …"),
            "link_types": _list(_STRING),
            "interfaces": _list(_STRING),
            "frames": _COUNT,
            "bytes": _described(_COUNT, "On the wire."),
            "first": _maybe(_TIME),
            "last": _maybe(_TIME),
            "truncated": _described({"type": "boolean"}, "The file was read as far as it went."),
            "problem": _described(_TEXT, "Why reading ended early."),
            "cut_frames": _described(_COUNT, "Frames of which the capture holds only a part."),
            "undecoded_frames": _COUNT,
            "dropped_frames": _described(_COUNT, "Frames lost while capturing."),
            "clock_shift": _described(
                {"type": "number"},
                "Seconds that were added to all times of this capture: its clock was not that of the first one.",
            ),
        }
    )


def _machine() -> Schema:
    return _object(
        {
            "mac": _described(_STRING, "Client hardware address, or an address where no hardware address is known."),
            "uuid": _TEXT,
            "hostname": _TEXT,
            "vlan": {"type": ["integer", "null"], "minimum": 0, "maximum": 4095},
            "vendor": _TEXT,
            "addresses": _list(_STRING),
            "status": _described(_words(Status), "Of the last boot."),
            "boots": _list({"$ref": "#/$defs/boot"}),
            "findings": _list({"$ref": "#/$defs/finding"}),
        }
    )


def _boot() -> Schema:
    return _object(
        {
            "start": _TIME,
            "end": _TIME,
            "status": _words(Status),
            "stalled_at": _maybe(_words(StallPoint)),
            "stalled_stage": _described(_INDEX, "Index into `stages`."),
            "waiting_for": _TEXT,
            "stages": _list({"$ref": "#/$defs/stage"}),
        }
    )


def _stage() -> Schema:
    return _object(
        {
            "client": _described(_STRING, "Kind of boot program: `efi-x64-http`, `ipxe-bios`, `grub`, `os` …"),
            "name": _STRING,
            "arch": _list(_COUNT, "DHCP option 93, as sent."),
            "vendor_class": _TEXT,
            "user_class": _TEXT,
            "start": _TIME,
            "end": _TIME,
            "dhcp": _maybe({"$ref": "#/$defs/dhcp"}),
            "fetches": _list({"$ref": "#/$defs/fetch"}),
        }
    )


def _dhcp() -> Schema:
    return _object(
        {
            "version": {"enum": [4, 6]},
            "status": _words(DhcpStatus),
            "discovers": _COUNT,
            "offers": _COUNT,
            "requests": _COUNT,
            "acks": _described(_COUNT, "REPLYs with version 6."),
            "server": _TEXT,
            "offered_address": _TEXT,
            "address": _TEXT,
            "boot_file": _TEXT,
            "boot_file_from": _described(_TEXT, "option 67, file, proxydhcp, 4011, option 43, option 59."),
            "next_server": _TEXT,
            "vendor_class_echoed": _described({"type": ["boolean", "null"]}, "null where the client is no HTTPClient."),
            "proxy": _maybe(_object({"server": _STRING, "boot_file": _TEXT, "via": {"enum": ["offer", "4011"]}})),
        }
    )


def _fetch() -> Schema:
    return _object(
        {
            "protocol": {"enum": ["tftp", "http", "https"]},
            "method": _STRING,
            "url": _described(_STRING, "The path as it was sent; bytes that are no text as \\xff."),
            "status": _words(FetchStatus),
            "bytes": _COUNT,
            "size": {"type": ["integer", "null"], "minimum": 0},
            "start": _TIME,
            "duration": _described({"type": "number", "minimum": 0}, "Seconds."),
            "retransmissions": _COUNT,
            "gaps": _COUNT,
            "error": _TEXT,
            "content": _TEXT,
            "options": {"type": "object", "additionalProperties": _STRING},
            "capture": _described(_COUNT, "Index into `captures`."),
            "first_frame": _FRAME,
            "last_frame": _FRAME,
        }
    )


def _finding() -> Schema:
    return _object(
        {
            "code": _described(_STRING, "`bootsniff explain CODE` says more."),
            "severity": _words(Severity),
            "confidence": _words(Confidence),
            "boot": _described(_INDEX, "Index into the machine's `boots`."),
            "stage": _described(_INDEX, "Index into the boot's `stages`."),
            "subject": _described(_TEXT, "What it is about: a URL, a server."),
            "summary": _STRING,
            "expected": _described(_TEXT, "What should have come and did not."),
            "proof": _described(_TEXT, "What would prove it."),
            "explains": _described(_TEXT, "Code of the finding that this one is a cause of."),
            "evidence": _list(_object({"capture": _COUNT, "frame": _FRAME, "time": _TIME, "role": _STRING})),
            "fixes": _list(_object({"for": _STRING, "text": _STRING})),
        }
    )
