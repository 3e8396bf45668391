"""`bootsniff read`: captures in, one report out, as text, as JSON, as events or in the TUI."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from ..errors import UsageError
from . import debugging
from .interrupt import Interrupts
from .output import StreamedReport, Verdict, paper, show_failures, text_options, wanted
from .progress import ProgressBar
from .reading import Reading
from .telling import tell_quality, tell_status


def run(arguments: argparse.Namespace) -> int:
    """Read the files and show what is in them."""
    if arguments.files.count("-") > 1:
        raise UsageError("read: standard input can be named once")
    if arguments.tui or arguments.web:
        from .read_tui import run as run_tui

        return run_tui(arguments)
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        reading = Reading(arguments.files, stack, jobs=arguments.jobs, quiet=arguments.quiet)
        if arguments.events or arguments.plain:
            from .read_events import write_events

            status = write_events(reading, interrupts, arguments)
        else:
            status = _report(reading, interrupts, arguments)
        return show_failures(reading.failures) or status


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
