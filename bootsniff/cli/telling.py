"""What is said on standard error besides the report, and the exit status that goes with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..model import CaptureInfo
from . import complain
from .output import Verdict

if TYPE_CHECKING:
    from ..report.pages import Pages


def tell_quality(captures: tuple[CaptureInfo, ...], *, interrupted: bool) -> None:
    """One line on standard error for each capture that ended early, or that says nothing to us."""
    for info in captures:
        name = "standard input" if info.path == "-" else info.path
        if info.problem is not None:
            complain(f"{name}: {info.problem}; read as far as it goes")
        if info.unread is not None:
            complain(f"{name}: {info.unread}")
        elif _cut_to_nothing(info):
            counts = f"{info.undecoded_frames} of {info.frames} frames cannot be read, {info.cut_frames} were cut short"
            complain(f"{name}: {counts} when captured; capture whole ones (`tcpdump -s 0`)")
        elif info.frames and info.undecoded_frames == info.frames:
            kinds = ", ".join(info.link_types)
            complain(
                f"{name}: no frame of it can be read (link type {kinds}); capture on Ethernet, or with `tcpdump -i any`"
            )
        elif not info.frames and info.problem is None:
            complain(f"{name}: holds no packets")
    if interrupted:
        complain("interrupted: this is the report of what was read until then")


def _cut_to_nothing(info: CaptureInfo) -> bool:
    """Whether so much of the frames is missing that a good part of them cannot be told at all."""
    return info.cut_frames > 0 and info.undecoded_frames * 4 >= info.frames


def tell_status(verdict: Verdict, report: Pages, arguments: argparse.Namespace) -> int:
    """The exit status; says so when `--machine` named nothing that was seen, or when a bug of ours cost something.

    And when no boot client was seen where frames were cut: the options that would tell one stand last in a DHCP packet.
    """
    from ..report.failures import failures

    failed = failures(report.counters)
    if failed:
        complain(f"{failed} (BOOTSNIFF_DEBUG=1 shows where)")
    status = verdict.exit_status
    if status == 4 and arguments.machine:
        complain(f"no boot client {' or '.join(arguments.machine)} in what was read")
    cut = sum(info.cut_frames for info in report.captures if not _cut_to_nothing(info))
    if status == 4 and cut:
        frames = f"{cut:,} frame{' was' if cut == 1 else 's were'}"
        complain(f"{frames} cut short when captured, perhaps a boot client's too: capture whole ones (`tcpdump -s 0`)")
    return status
