"""`bootsniff read`: captures in, one report out, as text, as JSON, as events or in the TUI."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from msgspec.structs import replace

from ..errors import BootsniffError, UsageError
from ..model import FAILED_RULE, Block, CaptureInfo
from ..sources.capture_file import CaptureSource, open_capture
from ..sources.merge import in_time_order
from ..text import printable
from ..wire.columns import Columns
from . import complain, debugging
from .interrupt import Interrupts
from .output import StreamedReport, Verdict, paper, show_failures, text_options, wanted
from .progress import Position, ProgressBar

if TYPE_CHECKING:
    from ..report.pages import Pages
    from ..rules.diagnosis import Diagnosis

PATH_LIMIT = 4096


def run(arguments: argparse.Namespace) -> int:
    """Read the files and show what is in them."""
    if arguments.files.count("-") > 1:
        raise UsageError("read: standard input can be named once")
    if arguments.tui or arguments.web:
        from .read_tui import run as run_tui

        return run_tui(arguments)
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        reading = Reading(arguments.files, stack, jobs=arguments.jobs)
        if arguments.events or arguments.plain:
            from .read_events import write_events

            status = write_events(reading, interrupts, arguments)
        else:
            status = _report(reading, interrupts, arguments)
        return show_failures(reading.failures) or status


class Reading:
    """The captures of one command, open, and the problems that were met."""

    def __init__(self, paths: list[str], stack: ExitStack, *, jobs: int = 1) -> None:
        """Open all that can be opened. Raises the error of the only capture, or of the first when none can be.

        All but one of the `jobs` processes read, at most one a file; what they cannot do is done in this one.
        """
        self.failures: list[BootsniffError] = []
        self.sources: list[CaptureSource] = []
        readers = jobs - 1
        for path in paths:
            try:
                source = open_capture(path, len(self.sources), prepare=_prepare if readers else None)
            except BootsniffError as error:
                self.failures.append(error)
            else:
                self.sources.append(source)
                stack.callback(source.close)
                readers -= source.parallel
        if not self.sources:
            show_failures(self.failures[:-1])
            raise self.failures[-1]

    def blocks(self, diagnosis: Diagnosis) -> Iterator[tuple[Block, ...]]:
        """Rounds of blocks of all captures, in order of time; the diagnosis is told when a capture ends."""
        return in_time_order([_until_end(source, diagnosis) for source in self.sources])

    def progress(self) -> Position:
        """Bytes read of all files together."""
        positions = [source.progress() for source in self.sources]
        sizes = [size for _, size in positions if size is not None]
        total = sum(sizes) if len(sizes) == len(positions) else None
        return sum(done for done, _ in positions), total

    def captures(self, diagnosis: Diagnosis) -> tuple[CaptureInfo, ...]:
        """What the captures hold; their names are safe to show."""
        return tuple(
            replace(
                info,
                path=printable(os.fsencode(info.path), PATH_LIMIT),
                undecoded_frames=diagnosis.undecoded(index),
            )
            for index, info in enumerate(source.info() for source in self.sources)
        )


def _prepare(block: Block) -> Mapping[str, npt.NDArray[Any]]:
    return Columns.of(block).arrays()


def _until_end(source: CaptureSource, diagnosis: Diagnosis) -> Iterator[Block]:
    yield from source.blocks()
    diagnosis.ended(source.index)


def _report(reading: Reading, interrupts: Interrupts, arguments: argparse.Namespace) -> int:
    from ..rules.diagnosis import Diagnosis  # not before another process reads: both start at once

    diagnosis = Diagnosis(arrows=arguments.verbose and not arguments.json, strict=debugging())
    bar = ProgressBar(reading.progress, wanted=not arguments.quiet)
    try:
        for blocks in interrupts.until_interrupted(reading.blocks(diagnosis)):
            diagnosis.feed(*blocks)
            bar.update()
    finally:
        bar.close()
    captures = reading.captures(diagnosis)
    diagnosis.finish(captures)
    tell_quality(captures, interrupted=bool(interrupts.count))
    verdict = Verdict()
    machines = (machine for machine in diagnosis.machines() if wanted(machine, arguments.machine))
    report = StreamedReport(captures, verdict.watch(machines), diagnosis.network(), diagnosis.counters)
    if arguments.json:
        from ..report.json import document

        for piece in document(report):
            sys.stdout.write(piece)
    else:
        from ..report.text import write_text

        write_text(report, paper(arguments), text_options(arguments))
    return tell_status(verdict, report, arguments)


def tell_quality(captures: tuple[CaptureInfo, ...], *, interrupted: bool) -> None:
    """One line on standard error for each capture that ended early, or that says nothing to us."""
    for info in captures:
        if info.problem is not None:
            complain(f"{info.path}: {info.problem}; read as far as it goes")
        if info.unread is not None:
            complain(f"{info.path}: {info.unread}")
        elif info.cut_frames and info.undecoded_frames * 4 >= info.frames:
            counts = f"{info.undecoded_frames} of {info.frames} frames cannot be read, {info.cut_frames} were cut short"
            complain(f"{info.path}: {counts} when captured; capture whole ones (`tcpdump -s 0`)")
        elif info.frames and info.undecoded_frames == info.frames:
            kinds = ", ".join(info.link_types)
            complain(
                f"{info.path}: no frame of it can be read (link type {kinds}); capture on Ethernet, or with `tcpdump -i any`"
            )
        elif not info.frames and info.problem is None:
            complain(f"{info.path}: holds no packets")
    if interrupted:
        complain("interrupted: this is the report of what was read until then")


def tell_status(verdict: Verdict, report: Pages, arguments: argparse.Namespace) -> int:
    """The exit status; says so when `--machine` named nothing that was seen, or when rules failed."""
    failed = [name.removeprefix(FAILED_RULE) for name, _ in report.counters if name.startswith(FAILED_RULE)]
    if failed:
        rules, them = ("rule", "it") if len(failed) == 1 else ("rules", "them")
        complain(f"{rules} {', '.join(failed)} failed: the report is without {them} (BOOTSNIFF_DEBUG=1 shows where)")
    status = verdict.exit_status
    if status == 4 and arguments.machine:
        complain(f"no boot client {' or '.join(arguments.machine)} in what was read")
    return status
