"""`bootsniff live`: capture here or on another host, follow boots as they happen, and report at the end."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import UsageError
from ..sources.recorder import Rotation
from . import complain
from .live_ending import Ending, final_status
from .live_open import Task
from .live_session import LiveSession
from .output import wanted

MEGABYTE = 1_000_000
"""What tcpdump's -C counts in."""
_WAIT = 0.1


def run(arguments: argparse.Namespace) -> int:
    """Capture until told to end."""
    tui = bool(arguments.web)
    if not tui and not arguments.json and not arguments.plain and sys.stdout.isatty():
        tui = os.environ.get("TERM") != "dumb"
        arguments.plain = not tui
    task = _task(arguments, arrows=tui or arguments.verbose)
    if tui:
        from .live_tui import run as run_tui

        return run_tui(task, arguments)
    from .live_views import EventView, PlainView

    with LiveSession(task) as session:
        view = PlainView(arguments) if arguments.plain else EventView(arguments)
        ready = session.wait_until_ready()
        for note in (*ready.notes, ready.text):
            complain(note)
        ending = Ending(arguments)
        with view:
            while not session.ended:
                for update in session.updates(_WAIT):
                    view.show(session, update)
                    ending.look(update)
                view.idle(session)
                if ending.due:
                    session.stop()
        session.close()
        report = session.report(lambda machine: wanted(machine, arguments.machine))
        status = view.finish(report)
    return final_status(session, ending, status)


def _task(arguments: argparse.Namespace, *, arrows: bool) -> Task:
    interfaces = tuple(dict.fromkeys(name for name in arguments.interface.split(",") if name))
    if not interfaces:
        raise UsageError("live: name an interface (bootsniff interfaces lists them)")
    if any(name.startswith("ssh://") for name in interfaces) and len(interfaces) > 1:
        raise UsageError("live: one ssh:// address at a time")
    if arguments.write in ("", "-"):
        raise UsageError("live: -w needs the name of a file; tcpdump -w - writes to a pipe")
    rotation = Rotation(
        (arguments.rotate_size or 0) * MEGABYTE, arguments.rotate_seconds or 0, arguments.rotate_keep or 0
    )
    return Task(
        interfaces=interfaces,
        words=tuple(arguments.words),
        everything=arguments.no_filter,
        write=Path(arguments.write) if arguments.write else None,
        rotation=rotation,
        user=arguments.user,
        host_facts=arguments.host_facts,
        count=arguments.count,
        arrows=arrows,
    )
