"""The ladder diagram of a stage or a boot: one lane for each party, packets as arrows, what is missing as a gap."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len

from ...model import NANOSECONDS, Arrow, Machine
from ...report.units import duration
from ..lines import Line, Row, Span, Tone, cut, fit, line

LEAD = 17
"""Cells before the first lane: cursor, seconds, frame number."""
_ROLES = {"dhcp": "DHCP", "tftp": "TFTP", "http": "HTTP", "tls": "HTTPS", "dns": "DNS"}
_BROADCAST = frozenset({"broadcast", "multicast", "255.255.255.255", "ff:ff:ff:ff:ff:ff", "0.0.0.0", ""})  # noqa: S104 (an address seen)


class ArrowKey(NamedTuple):
    """An arrow of a machine: which frame of which capture."""

    capture: int
    frame: int
    number: int


class Lane(NamedTuple):
    """A party of the exchange, what it serves, and the cell of its line."""

    address: str
    roles: tuple[str, ...]


def lanes(arrows: Iterable[Arrow], proxies: Collection[str] = ()) -> list[Lane]:
    """The servers in order of appearance; the client has the first lane of the picture and is not in this list.

    `proxies` are the addresses that spoke DHCP as ProxyDHCP servers.
    """
    roles: dict[str, list[str]] = {}
    for arrow in arrows:
        other = arrow.target if arrow.from_client else arrow.source
        if other in _BROADCAST or other.startswith("ff02::"):
            continue
        mine = roles.setdefault(other, [])
        role = "ProxyDHCP" if arrow.layer == "dhcp" and other in proxies else _ROLES.get(arrow.layer, "")
        if role and role not in mine:
            mine.append(role)
    return [Lane(address, tuple(mine)) for address, mine in roles.items()]


def ladder_rows(machine: Machine, boot: int, width: int, *, stage: int | None = None) -> list[Row]:
    """The arrows of one boot, of one of its stages when `stage` is given."""
    if boot >= len(machine.boots):
        return [Row(line(" no boot to draw"))]
    stages = machine.boots[boot].stages
    chosen = list(enumerate(stages)) if stage is None else [(stage, stages[stage])] if stage < len(stages) else []
    arrows = [arrow for _, each in chosen for arrow in each.arrows]
    if not arrows:
        return [Row(line(" ", ("no packets worth an arrow in this boot", "dim")))]
    proxies = {each.dhcp.proxy.server for each in stages if each.dhcp and each.dhcp.proxy}
    parties = lanes(arrows, proxies) or [Lane("network", ())]
    spots = _spots(len(parties), width)
    rows = _heads(machine, parties, spots, width)
    start, index = machine.boots[boot].start, 0
    before: Arrow | None = None
    for number, each in chosen:
        if before is not None and before.kind == "request" and each.arrows:
            wait = each.arrows[0].time - before.time
            rows.append(Row(_silent_line(wait, _far(before, parties, spots), spots)))
            before = None  # the silence has been told
        if len(stages) > 1 and each.arrows:
            rows.append(Row(_stage_line(each.name or each.client, number, width)))
        for arrow in each.arrows:
            wait = arrow.time - before.time if before else 0
            if before is not None and _asks_again(before, arrow):
                rows.append(Row(_silent_line(wait, _far(before, parties, spots), spots)))
            elif wait >= NANOSECONDS:
                rows.append(Row(_quiet_line(wait, spots)))
            before = arrow
            rows.append(Row(_arrow_line(arrow, start, parties, spots), ArrowKey(arrow.capture, arrow.frame, index)))
            index += 1
    if before is not None and before.kind == "request" and machine.boots[boot].status == "stalled":
        rows.append(Row(_silent_line(0, _far(before, parties, spots), spots)))
    return rows


def _asks_again(before: Arrow, arrow: Arrow) -> bool:
    """Whether a request is repeated with nothing in between: its answer was lost, never sent, or not seen here."""
    return before.kind == arrow.kind == "request" and before.from_client and before.label == arrow.label


def _far(arrow: Arrow, parties: Sequence[Lane], spots: Sequence[int]) -> int:
    """The cell of the lane at the other end of an arrow; a broadcast goes to the last one."""
    other = arrow.target if arrow.from_client else arrow.source
    return next((spots[n + 1] for n, lane in enumerate(parties) if lane.address == other), spots[-1])


def _spots(servers: int, width: int) -> list[int]:
    """Cells of the lanes, the client's first; at least 14 cells apart, so many servers need scrolling sideways."""
    step = max(14, min(60, (width - LEAD - 2 - 15) // max(1, servers)))  # 15: the last one's address
    return [LEAD + 2 + step * n for n in range(servers + 1)]


def _heads(machine: Machine, parties: Sequence[Lane], spots: Sequence[int], width: int) -> list[Row]:
    step = spots[1] - spots[0]
    upper, lower = [Span(" " * (spots[0] - 1))], [Span(" " * (spots[0] - 1))]
    names = [("client", machine.mac), *((" ".join(lane.roles) or "server", lane.address) for lane in parties)]
    for number, (role, address) in enumerate(names):
        room = step if number < len(names) - 1 else max(16, width - spots[-1])
        upper.append(Span(fit(role, room - 1) + " ", "head"))
        lower.append(Span(fit(address, room - 1) + " ", "bold"))
    return [Row(tuple(upper)), Row(tuple(lower))]


def _stage_line(name: str, number: int, width: int) -> Line:
    text = cut(f"── stage {number + 1}: {name} ", max(0, width - 1))
    return line(" ", (text + "─" * max(0, width - 1 - cell_len(text)), "dim"))


def _quiet_line(ns: int, spots: Sequence[int]) -> Line:
    rest = "".join("┊".rjust(after - before) for before, after in pairwise(spots))
    return line(f"{'⋮ ' + duration(ns):>{LEAD - 1}}   ┊{rest}"[: spots[0]], ("┊" + rest, "dim"))


def _silent_line(ns: int, far: int, spots: Sequence[int]) -> Line:
    """The gap where an answer would have been."""
    words = " no answer seen "
    room = far - spots[0] - 1
    left = max(0, (room - len(words)) // 2)
    body = f"{' ' * (left - 2)}✖{words}{'╌' * room}"[: room - 1] + "╌"
    lead = f"{'⋮ ' + duration(ns):>{LEAD - 1}}" if ns else " " * (LEAD - 1)
    rest, at = "", far
    for spot in spots[1:]:
        if spot >= far:
            rest += "┊".rjust(spot - at)
            at = spot
    return line(lead.ljust(spots[0]), ("┊", "dim"), (body, "error"), (rest, "dim"))


def _arrow_line(arrow: Arrow, start: int, parties: Sequence[Lane], spots: Sequence[int]) -> Line:
    far = _far(arrow, parties, spots)
    frame = "" if arrow.kind == "missing" and not arrow.frame else str(arrow.frame)
    lead = f" {(arrow.time - start) / 1e9:>8.3f} {frame:>6} "
    room = far - spots[0] - 1
    tones: dict[str, Tone] = {"error": "error", "missing": "error", "reply": "ok", "data": "ok"}
    tone = tones.get(arrow.kind, "accent")
    body = _shaft(arrow, room)
    out: list[Span] = [Span(fit(lead, LEAD), "dim"), Span(" " * (spots[0] - LEAD)), Span("│", "dim"), Span(body, tone)]
    at = far
    for spot in spots[1:]:
        if spot > far:
            out.append(Span("│".rjust(spot - at), "dim"))
            at = spot
        elif spot == far:
            out.append(Span("│", "dim"))
    return tuple(out)


def _shaft(arrow: Arrow, room: int) -> str:
    """The arrow between its two lanes, its label in the middle; a missing packet breaks off half way."""
    label = f" {cut(arrow.label, max(1, room - 8))} "
    fill = "═" if arrow.kind == "data" else "╌" if arrow.kind == "missing" else "─"
    left = (room - cell_len(label)) // 2
    right = room - cell_len(label) - left
    if arrow.kind == "missing":
        # the sign stands where the packet should have gone on; beyond it nothing was seen
        return (
            f"{fill * left}{label}✖ {' ' * max(0, right - 2)}"[:room]
            if arrow.from_client
            else (f"{' ' * max(0, left - 2)} ✖{label}{fill * right}")
        )
    if arrow.from_client:
        return f"{fill * left}{label}{fill * (right - 1)}▶"
    return f"◀{fill * (left - 1)}{label}{fill * right}"
