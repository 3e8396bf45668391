"""The fetch list of a machine: every transfer with outcome, size, rate and what the file is."""

from __future__ import annotations

from ...model import Fetch, Machine
from ...report.units import amount, count, duration
from ..lines import Line, Row, Tone, cut, fit, line, wrapped
from ..wording import offset, rate
from .timeline import StepKey

_TONES: dict[str, Tone] = {"complete": "ok", "failed": "error", "stalled": "error", "in-progress": "accent"}


def fetch_rows(machine: Machine, width: int) -> list[Row]:
    """Two lines a fetch: URL and outcome, then figures and content."""
    rows: list[Row] = []
    for boot_number, boot in enumerate(machine.boots):
        for stage_number, stage in enumerate(boot.stages):
            for index, fetch in enumerate(stage.fetches):
                if not index:
                    which = f"boot {boot_number + 1}, " if len(machine.boots) > 1 else ""
                    rows.append(Row(line(" ", (cut(f"{which}{stage.name or stage.client}", width - 1), "head"))))
                key = StepKey("fetch", boot_number, stage_number, index)
                rows += [Row(each, key) for each in _fetch_lines(fetch, boot.start, width)]
    return rows or [Row(line(" this machine fetched nothing"))]


def _fetch_lines(fetch: Fetch, start: int, width: int) -> list[Line]:
    tone = _TONES.get(fetch.status, "dim")
    head = line(
        " ", (f"{offset(fetch.start - start):>9} ", "dim"), (f"{fetch.method:<5}", "bold"),
        (fit(fetch.url, max(10, width - 30), keep="end"), ""), " ", (f"{fetch.status:<11}", tone),
    )  # fmt: skip
    lead = " " * 16
    return [
        head,
        *(wrapped(fetch.error, width, "error", first=lead) if fetch.error else ()),
        *wrapped(", ".join(_figures(fetch)), width, "dim", first=lead),
    ]


def _figures(fetch: Fetch) -> list[str]:
    out = []
    if fetch.content:
        out.append(fetch.content)
    known = f" of {amount(fetch.size)}" if fetch.size is not None and fetch.size != fetch.bytes else ""
    out.append(f"{amount(fetch.bytes)}{known} in {duration(fetch.duration)}")
    if fetch.bytes and (speed := rate(fetch.bytes, fetch.duration)):
        out.append(speed)
    if fetch.retransmissions:
        out.append(f"{fetch.retransmissions} sent again")
    if fetch.gaps:
        out.append(count(fetch.gaps, "gap") + " in the capture")
    out += [f"{name} {value}" for name, value in fetch.options]
    out.append(f"frames {fetch.first_frame} to {fetch.last_frame}")
    return out


def fetch_of(machine: Machine, key: StepKey) -> Fetch | None:
    """The fetch a key names, None when it is gone."""
    try:
        return machine.boots[key.boot].stages[key.stage].fetches[key.fetch]
    except IndexError:
        return None
