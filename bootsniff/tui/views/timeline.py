"""A machine's boots as a vertical timeline: every stage, exchange, fetch and wait, with bars to scale beside them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from ...model import NANOSECONDS, Arrow, Boot, Dhcp, Fetch, Machine, Stage
from ...report.chain import file_label
from ...report.units import Clock, amount, count, duration
from ..facts import MARKS
from ..lines import Line, Row, Span, Tone, cut, fit_line, line, wrapped
from ..wording import offset, rate

QUIET = NANOSECONDS
"""Silence from this length on gets a line of its own."""
_LAYERS_OF_FETCH = frozenset({"tftp", "http", "tcp", "tls", "icmp", "dns"})


class StepKey(NamedTuple):
    """A step of a machine's boots: what a row of the timeline, and a row of the fetch list, stands for."""

    kind: Literal["stage", "dhcp", "fetch"]
    boot: int
    stage: int
    fetch: int = 0


class Item(NamedTuple):
    """One step with its place in time."""

    key: StepKey
    start: int
    end: int
    text: Line
    arrows: tuple[Arrow, ...]
    tone: Tone


def timeline(machine: Machine | None, width: int, *, now: int | None, utc: bool, every_boot: bool = False) -> list[Row]:
    """The last boot, or every boot; `now` ends the bars of what still runs."""
    if machine is None:
        return []
    if not machine.boots:
        words = "no boot seen: this machine asked for nothing a boot program asks for"
        return [Row(each) for each in wrapped(words, width, "dim", first=" ")]
    rows: list[Row] = []
    first = 0 if every_boot else len(machine.boots) - 1
    for number in range(first, len(machine.boots)):
        if rows:
            rows.append(Row(()))
        rows += _boot_rows(machine, number, width, now, utc=utc)
    return rows


def _boot_rows(machine: Machine, number: int, width: int, now: int | None, *, utc: bool) -> Iterator[Row]:
    boot = machine.boots[number]
    last = number == len(machine.boots) - 1
    waiting = last and boot.status in ("stalled", "in-progress")
    end = boot.end
    if waiting and now is not None and now > end:
        # the silence after a stall, but never so long that the boot before it is squeezed to nothing
        end = min(now, end + max(5 * NANOSECONDS, (end - boot.start) // 2))
    which = f"boot {number + 1} of {len(machine.boots)}, " if len(machine.boots) > 1 else ""
    yield Row(line(" ", (cut(f"{which}{Clock(None, utc=utc).date_time(boot.start)}", width - 1), "dim")))
    bar = 0 if width < 72 else width // 5 if width < 100 else min(60, width * 3 // 10)
    told = boot.start
    for stage_number, stage in enumerate(boot.stages):
        for item in _items(stage, number, stage_number):
            if item.start - told >= QUIET:
                yield Row(_wait_line(told, item.start, boot.start, end, width, bar))
                told = item.start
            yield Row(_item_line(item, boot.start, end, width, bar), item.key)
            if item.key.kind != "stage":
                told = max(told, item.end)
    if waiting and (now or end) - told >= QUIET:
        yield Row(_wait_line(told, now or end, boot.start, end, width, bar))
    mark = MARKS[boot.status]
    where = f" at {boot.stalled_at}" if boot.stalled_at else ""
    wait = f", waits for {boot.waiting_for}" if boot.waiting_for else ""
    words = f" {boot.status}{where}{wait}"
    yield Row(line(" ", (f"{offset(boot.end - boot.start):>9} ", "dim"), mark, (cut(words, width - 12), mark.tone)))


def _items(stage: Stage, boot: int, number: int) -> Iterator[Item]:
    words = line((stage.name or stage.client, "bold"))
    yield Item(StepKey("stage", boot, number), stage.start, stage.end, words, (), "bold")
    if stage.dhcp:
        arrows = tuple(arrow for arrow in stage.arrows if arrow.layer == "dhcp")
        text, tone = dhcp_words(stage.dhcp)
        yield Item(StepKey("dhcp", boot, number), stage.dhcp.start, stage.dhcp.end, text, arrows, tone)
    for index, fetch in enumerate(stage.fetches):
        text, tone = fetch_words(fetch)
        arrows = arrows_of_fetch(stage, fetch)
        yield Item(StepKey("fetch", boot, number, index), fetch.start, fetch.end, text, arrows, tone)


def arrows_of_fetch(stage: Stage, fetch: Fetch) -> tuple[Arrow, ...]:
    """The notable packets of a stage in the time of one of its fetches."""
    first = bisect_left(stage.arrows, fetch.start, key=_time_of)
    last = bisect_right(stage.arrows, fetch.end, lo=first, key=_time_of)
    return tuple(
        arrow
        for arrow in stage.arrows[first:last]
        if arrow.layer in _LAYERS_OF_FETCH and arrow.capture == fetch.capture
    )


def _time_of(arrow: Arrow) -> int:
    return arrow.time


def dhcp_words(dhcp: Dhcp) -> tuple[Line, Tone]:
    """What was asked and said, and how the exchange ended."""
    tones: dict[str, Tone] = {"bound": "ok", "informed": "ok", "offered": "accent"}
    tone = tones.get(dhcp.status, "error")
    asked, offered = ("DISCOVER", "OFFER") if dhcp.version == 4 else ("SOLICIT", "ADVERTISE")
    counts = [f"{dhcp.discovers}× {asked}", f"{dhcp.offers}× {offered}"]
    parts = [dhcp.address or f"offered {dhcp.offered_address}"] if dhcp.address or dhcp.offered_address else []
    parts += [f"file {file_label(dhcp.boot_file)}"] if dhcp.boot_file else []
    parts += [f"proxy {dhcp.proxy.server}"] if dhcp.proxy else []
    parts = [*parts, *counts] if tone == "ok" else [*counts, *parts]
    name = "DHCPv6" if dhcp.version == 6 else "DHCP"
    return line(f"{name} ", (dhcp.status, tone), "  " + ", ".join(parts)), tone


def fetch_words(fetch: Fetch) -> tuple[Line, Tone]:
    """Protocol, name, outcome first (it is what a narrow screen still shows), then the figures."""
    tones: dict[str, Tone] = {"complete": "ok", "failed": "error", "stalled": "error", "in-progress": "accent"}
    tone = tones.get(fetch.status, "dim")
    verb = f" {fetch.method}" if fetch.method in ("HEAD", "WRQ", "PUT", "POST") else ""
    parts = []
    if fetch.error:
        parts.append(fetch.error)
    if fetch.bytes or fetch.status == "complete":
        whole = f" of {amount(fetch.size)}" if fetch.size and fetch.size != fetch.bytes else ""
        parts.append(amount(fetch.bytes) + whole)
        if fetch.bytes > 4096 and (speed := rate(fetch.bytes, fetch.duration)):
            parts.append(speed)
    if fetch.retransmissions:
        parts.append(f"{fetch.retransmissions} sent again")
    if fetch.gaps:
        parts.append(count(fetch.gaps, "gap"))
    words = line(
        f"{fetch.protocol.upper()}{verb} ", (cut(file_label(fetch.url), 48), "" if tone != "dim" else "dim"), " ",
        (fetch.status, tone), "  " + ", ".join(parts),
    )  # fmt: skip
    return words, tone


def _item_line(item: Item, start: int, end: int, width: int, bar: int) -> Line:
    stage = item.key.kind == "stage"
    branch = "" if stage else "├ "
    spans = (Span(" "), Span(f"{offset(item.start - start):>9} ", "dim"), Span(branch, "dim"), *item.text)
    took = "" if stage or item.end <= item.start else duration(item.end - item.start)
    tail = 11
    if not bar:
        return (*fit_line(spans, max(0, width - tail)), Span(f"{took:>{tail}}", "dim"))
    return (
        *fit_line(spans, width - bar - tail - 1), Span(" "),
        Span(" " * bar if stage else gantt(item.start, item.end, start, end, bar, item.arrows), item.tone),
        Span(f"{took:>{tail}}", "dim"),
    )  # fmt: skip


def _wait_line(since: int, until: int, start: int, end: int, width: int, bar: int) -> Line:
    words = (Span(" "), Span(" " * 10), Span("⋮ ", "dim"), Span(f"{duration(until - since)} without a packet", "dim"))
    if not bar:
        return fit_line(words, width)
    first, last = (_place(at, start, end, bar) for at in (since, until))
    dots = " " * first + "·" * (last - first + 1)
    return (*fit_line(words, width - bar - 12), Span(" "), Span(f"{dots:<{bar}}", "dim"), Span(" " * 11))


def gantt(since: int, until: int, start: int, end: int, width: int, arrows: Iterable[Arrow] = ()) -> str:
    """A bar from `since` to `until` on the scale `start` to `end`; requests, errors and missing packets stand on it."""
    cells = [" "] * width
    first, last = (_place(at, start, end, width) for at in (since, until))
    for place in range(first, last + 1):
        cells[place] = "━"
    for arrow in arrows:
        sign = {"request": "•", "error": "✖", "missing": "?"}.get(arrow.kind)
        place = _place(arrow.time, start, end, width)
        if sign and cells[place] not in ("✖", "?"):
            cells[place] = sign
    return "".join(cells)


def _place(time: int, start: int, end: int, width: int) -> int:
    if end <= start:
        return 0
    return max(0, min(width - 1, (time - start) * width // (end - start)))


def step_of(machine: Machine, key: StepKey) -> tuple[Boot, Stage] | None:
    """The boot and stage a key names, None when they are gone."""
    if key.boot >= len(machine.boots) or key.stage >= len(machine.boots[key.boot].stages):
        return None
    boot = machine.boots[key.boot]
    return boot, boot.stages[key.stage]
