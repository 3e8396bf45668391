"""The lines at the top and the bottom: source and counters, strip of traffic with the playhead, keys."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from rich.cells import cell_len

from ...model import NANOSECONDS, Report
from ...report.units import count
from ...text import printable
from ..bridge import FeedStatus
from ..facts import first_time, frames_lost, frames_seen
from ..lines import Line, Span, Tone, cut, line, width_of
from ..player import Player
from ..wording import clock, number

BARS = " ▁▂▃▄▅▆▇█"


def header_lines(
    title: str, report: Report | None, status: FeedStatus, width: int, *, trouble: int, shown: int, words: str
) -> list[Line]:
    """Source, packets, drops, machines, time, and a second line when there is something to say."""
    parts: list[Span] = []
    if report is not None:
        lost = frames_lost(report)
        parts.append(Span(count(frames_seen(report), "packet")))
        parts.append(Span(f"{number(lost)} lost", "error" if lost else "dim"))
        machines = len(report.machines)
        named = f"{number(shown)} of {count(machines, 'machine')}" if words else count(machines, "machine")
        parts.append(Span(named))
        parts.append(Span(f"{number(trouble)} in trouble" if trouble else "no trouble", "error" if trouble else "dim"))
        first = first_time(report)
        if first is not None and report.now is not None:
            parts.append(Span(clock(report.now - first)))
    if words:
        parts.append(Span(f"/{words}", "accent"))
    state = _state(status)
    right: list[Span] = []
    for part in parts:
        right += [part, Span("  ")]
    right += [state, Span(" ")]
    left = line(" ", ("bootsniff", "bold"), " ") if width >= 100 else line(" ")
    room = width - width_of(left) - width_of(right) - 1
    while room < 8 and len(right) > 4:
        del right[:2]  # the first parts are the ones that change least
        room = width - width_of(left) - width_of(right) - 1
    name = cut(title, max(0, room))
    gap = max(1, width - width_of(left) - cell_len(name) - width_of(right))
    lines: list[Line] = [(*left, Span(name, "head"), Span(" " * gap), *right)]
    lines += [line(" ", (cut(text, width - 2), tone)) for text, tone in _notices(report, status)]
    return lines


def _state(status: FeedStatus) -> Span:
    words: dict[str, tuple[str, Tone]] = {
        "waiting": ("waiting", "warning"),
        "reading": ("reading", "accent"),
        "live": ("● live", "ok"),
        "ended": ("ended", "dim"),
        "failed": ("✖ failed", "error"),
    }
    text, tone = words[status.state]
    if status.state == "reading" and status.progress is not None:
        text += f" {status.progress:.0%}"
    return Span(text, tone)


def _notices(report: Report | None, status: FeedStatus) -> list[tuple[str, Tone]]:
    """At most two lines: what the source says, and what is wrong with the capture."""
    out: list[tuple[str, Tone]] = []
    if status.text:
        out.append((printable(status.text), "error" if status.state == "failed" else "warning"))
    for capture in report.captures if report else ():
        if capture.problem:
            out.append((f"{capture.path}: {capture.problem}", "warning"))
        elif capture.truncated:
            out.append((f"{capture.path}: the file is cut; it was read as far as it goes", "warning"))
    return out[:2]


def strip_area(player: Player, width: int) -> tuple[int, int]:
    """First and last cell of the strip of traffic inside the time bar."""
    left, right = _ends(player, width)
    return width_of(left), max(width_of(left), width - 1 - width_of(right))


def _ends(player: Player, width: int) -> tuple[Line, Line]:
    span = player.span
    if player.recording is None:
        state = Span(
            " ⏸ held, space follows " if player.paused else " ▶ following ", "warning" if player.paused else "ok"
        )
        busy = _packets_per_second(player.traffic)
        return line(state), line(f" {number(busy)} packets/s " if busy is not None and width > 60 else " ")
    if span is None:
        return line(" "), line(" ")
    here = span[1] if player.position is None else player.position
    state = Span(" ▶ " if player.playing else " ⏸ " if player.position is not None else " ■ ", "accent")
    speed = f" {player.speed}x"
    return (
        line(state, f"{clock(here - span[0])}", (speed, "accent" if player.playing else "dim"), " "),
        line(f" {clock(span[1] - span[0])} "),
    )


def _packets_per_second(traffic: Sequence[tuple[int, int]]) -> int | None:
    """Over about the last two seconds."""
    if len(traffic) < 2:
        return None
    last_time, last_count = traffic[-1]
    since = max(0, bisect_right(traffic, (last_time - 2 * NANOSECONDS, 0)) - 1)
    time, seen = traffic[min(since, len(traffic) - 2)]
    return (last_count - seen) * NANOSECONDS // max(1, last_time - time)


def time_bar(player: Player, width: int, *, height: int = 1) -> list[Line]:
    """The strip of packets over time, the playhead on it."""
    left, right = _ends(player, width)
    room = width - width_of(left) - width_of(right)
    span = player.span
    if span is None or room < 4:
        return [(*left, Span(" " * max(0, room)), *right)]
    rows = traffic_rows(player.traffic, span, room, height)
    head = None
    if player.recording is not None and player.position is not None and span[1] > span[0]:
        head = min(room - 1, (player.position - span[0]) * room // (span[1] - span[0]))
    out: list[Line] = []
    for number_, row in enumerate(rows):
        last = number_ == len(rows) - 1
        lead = left if last else line(" " * width_of(left))
        tail = right if last else line(" " * width_of(right))
        if head is None:
            out.append((*lead, Span(row, "accent"), *tail))
        else:
            out.append((*lead, Span(row[:head], "accent"), Span("│" if row[head] == " " else "┃", "mark"),
                        Span(row[head + 1 :], "dim"), *tail))  # fmt: skip
    return out


def traffic_rows(traffic: Sequence[tuple[int, int]], span: tuple[int, int], width: int, height: int) -> list[str]:
    """Packets per cell of time as bars `height` lines high, on a logarithmic scale so that one DISCOVER still shows."""
    counts = [0.0] * width
    length = max(1, span[1] - span[0])
    before_time, before = span[0], 0
    for time, seen in traffic:
        first = max(0, min(width - 1, (before_time - span[0]) * width // length))
        last = max(first, min(width - 1, (time - span[0]) * width // length))
        if last - first > 1:
            first = last  # nothing was told for a while: what is new came at the end of it
        for place in range(first, last + 1):
            counts[place] += (seen - before) / (last - first + 1)
        before_time, before = time, seen
    top = max(counts, default=0.0)
    scale = [_level(value, top, 8 * height) for value in counts]
    return ["".join(BARS[max(0, min(8, level - 8 * row))] for level in scale) for row in range(height - 1, -1, -1)]


def _level(value: float, top: float, levels: int) -> int:
    """0 only for nothing; one packet is at least one level."""
    if value <= 0 or top <= 0:
        return 0
    bits, mine = (int(amount + 1).bit_length() for amount in (top, value))
    return max(1, min(levels, round(levels * mine / max(1, bits))))


def footer_line(keys: Sequence[tuple[str, str]], width: int, note: tuple[str, Tone] | None = None) -> list[Line]:
    """What was just done, else the keys that matter here, as many as fit."""
    if note is not None:
        return [line(" ", (cut(note[0], width - 2), note[1]))]
    out: list[Span] = [Span(" ")]
    used = 1
    for key, words in keys:
        need = cell_len(key) + cell_len(words) + 3
        if used + need - 2 > width:
            break
        out += [Span(key, "mark"), Span(" "), Span(words, "dim"), Span("  ")]
        used += need
    return [tuple(out)]
