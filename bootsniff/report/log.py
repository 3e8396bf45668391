"""Events as lines of a log: when, which machine, what; readable with several machines side by side. Views only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..model import NANOSECONDS
from .events import Event
from .lines import Paper, Span, Style
from .units import Clock, amount, duration

_DHCP = {
    "unanswered": "no answer yet",
    "ignored-offer": "offer ignored",
    "nak": "refused (NAK)",
    "declined": "address declined",
}
"""What is no word of everybody's. An exchange is told as soon as it begins."""
_FETCH_STYLE: dict[str, Style] = {"complete": "good", "failed": "bad", "stalled": "bad"}
_SEVERITY_STYLE: dict[str, Style] = {"error": "bad", "warning": "warning", "note": "dim"}


def time_of(event: Event, clock: Clock) -> str:
    """The event's time of day, as the user wants to read it."""
    moment = datetime.fromisoformat(event["time"])
    return clock.time_of_day(int(moment.timestamp() * 1000) * (NANOSECONDS // 1000))


class LogWriter:
    """Writes one line an event (a finding's fixes follow under it); `machine` events that tell nothing are left out."""

    def __init__(self, paper: Paper, *, quiet: bool = False, verbose: bool = False) -> None:
        self._paper = paper
        self._quiet = quiet
        self._verbose = verbose

    def write(self, event: Event, clock: str) -> None:
        """`clock` is the time of day as the user wants to read it."""
        spans = self._spans(event)
        if not spans:
            return
        mac = event.get("mac") or "network"
        self._paper.line(Span(clock, "dim"), f"  {mac:<17}  ", *spans)
        if event["event"] == "finding" and not self._quiet and event["severity"] == "error":
            for fix in event["fixes"][: None if self._verbose else 1]:
                for number, text in enumerate(fix["text"].splitlines()):
                    label = f"{fix['for']}: " if not number else " " * (len(fix["for"]) + 2)
                    self._paper.line(" " * (len(clock) + 21), Span(label, "dim"), Span(text, "fix"))

    def note(self, text: str, clock: str) -> None:
        """A line about the capture itself."""
        self._paper.line(Span(clock, "dim"), f"  {'capture':<17}  ", Span(text, "warning"))

    def _spans(self, event: Event) -> list[Span | str]:
        kind = event["event"]
        if kind == "stall":
            where = f" at {event['stalled_at']}" if event["stalled_at"] else ""
            return [Span(f"STALLED{where}", "bad")]
        if kind == "stall-cleared":
            return [Span("goes on", "good"), f" ({event['status'].replace('-', ' ')})"]
        if kind == "machine":
            return self._machine(event)
        if self._quiet:
            return []
        if kind == "stage":
            return self._stage(event)
        if kind == "fetch":
            return self._fetch(event)
        if kind == "waiting":
            return [Span(f"waits for {event['waiting_for']}", "warning")]
        if kind in ("finding", "finding-withdrawn"):
            return self._finding(event)
        if kind == "drops":
            return [Span(f"{event['new']:,} packets lost on {event['path']}", "bad")]
        return []

    def _machine(self, event: Event) -> list[Span | str]:
        words = [word for word in (event["hostname"], event["vendor"]) if word]
        known = ", ".join([*words, *event["addresses"]])
        if event["status"] == "handed-off":
            return [Span("handed off", "good"), f" {known}"]
        if event["status"] in ("stalled", "not-booting") or self._quiet:
            return []  # a stall has its own line; who does not boot is no news
        return [Span("seen", "strong"), f" {known}"]

    def _stage(self, event: Event) -> list[Span | str]:
        spans: list[Span | str] = [Span(event["name"], "strong")]
        dhcp: dict[str, Any] | None = event["dhcp"]
        if dhcp is not None:
            style: Style = "good" if dhcp["status"] == "bound" else "warning"
            spans += [
                "  DHCP " if dhcp["version"] == 4 else "  DHCPv6 ",
                Span(_DHCP.get(dhcp["status"], dhcp["status"]), style),
            ]
            address = dhcp["address"] or dhcp["offered_address"]
            spans += [f" {address}"] if address else []
            spans += [f" from {dhcp['server']}"] if dhcp["server"] else []
            spans += [f", file {dhcp['boot_file']}"] if dhcp["boot_file"] else []
        return spans

    def _fetch(self, event: Event) -> list[Span | str]:
        style = _FETCH_STYLE.get(event["status"], "")
        spans: list[Span | str] = [f"{event['method']} {event['url']}  ", Span(event["status"], style)]
        if event["status"] == "complete":
            took = duration(round(event["duration"] * NANOSECONDS))
            spans.append(f"  {amount(event['bytes'])} in {took}")
        if event["error"]:
            spans.append(f"  {event['error']}")
        if event["content"]:
            spans.append(Span(f"  {event['content']}", "dim"))
        return spans

    @staticmethod
    def _finding(event: Event) -> list[Span | str]:
        style = _SEVERITY_STYLE[event["severity"]]
        if event["event"] == "finding-withdrawn":
            return [Span("withdrawn ", "dim"), Span(event["code"], "dim")]
        sure = "" if event["confidence"] == "certain" else f" ({event['confidence']})"
        return [Span(event["code"], style), f"{sure}: {event['summary']}"]
