"""Reads what `nft -j list ruleset` and `iptables-save` say of address translation and of the TFTP helper."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

EVERYTHING = "0.0.0.0/0"
MAX_NETWORKS = 64


class Rules(NamedTuple):
    """What matters for a boot through this host."""

    masquerades: tuple[str, ...]
    """Source networks whose addresses are translated; `0.0.0.0/0` for a rule that names none."""
    tftp_helper: bool
    """A rule assigns the TFTP conntrack helper."""


def nft_rules(text: str) -> Rules | None:
    """From nft's JSON (libnftables-json(5)); None when it is none."""
    try:
        entries = json.loads(text)["nftables"]
        helpers = {
            (entry["ct helper"]["table"], entry["ct helper"]["name"])
            for entry in entries
            if entry.get("ct helper", {}).get("type") == "tftp"
        }
        networks: dict[str, None] = {}
        assigned = False
        for entry in entries:
            rule = entry.get("rule")
            if rule is None:
                continue
            expressions = rule.get("expr", [])
            if any("masquerade" in part or "snat" in part for part in expressions):
                networks.update(dict.fromkeys(_sources(expressions) or [EVERYTHING]))
            assigned = assigned or any(
                (rule["table"], part["ct helper"]) in helpers for part in expressions if "ct helper" in part
            )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return Rules(tuple(networks)[:MAX_NETWORKS], assigned)


def _sources(expressions: list[dict[str, dict[str, object]]]) -> list[str]:
    for part in expressions:
        match = part.get("match")
        if match and match["op"] == "==" and match["left"] == {"payload": {"protocol": "ip", "field": "saddr"}}:
            return _networks(match["right"])
    return []


def _networks(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        if "prefix" in value:
            return [f"{value['prefix']['addr']}/{value['prefix']['len']}"]
        if "range" in value:
            return [f"{value['range'][0]}-{value['range'][1]}"]
        return [network for member in value.get("set", []) for network in _networks(member)]
    return []


_TRANSLATES = re.compile(r"-j (MASQUERADE|SNAT|NETMAP)\b")
_HELPER = re.compile(r"-j CT\b.*--helper tftp\b")
_SOURCE = re.compile(r"(?<!! )(?:-s|--source) (\S+)")


def iptables_rules(text: str) -> Rules:
    """From the output of `iptables-save`."""
    networks: dict[str, None] = {}
    assigned = False
    for line in text.splitlines():
        if not line.startswith("-A "):
            continue
        if _TRANSLATES.search(line):
            source = _SOURCE.search(line)
            networks[source[1] if source else EVERYTHING] = None
        assigned = assigned or _HELPER.search(line) is not None
    return Rules(tuple(networks)[:MAX_NETWORKS], assigned)
