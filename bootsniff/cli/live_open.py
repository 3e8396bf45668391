"""Opens a live capture in the best way that this host and this user have, and gives root up once it is open."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path

from msgspec import Struct

from ..errors import CaptureError
from ..model import HostFacts
from ..sources.boot_filter import compile_filter, current_ssh_session, filter_text
from ..sources.live import LiveSource, RingSource
from ..sources.pipe import Wanted
from ..sources.privileges import Account, came_through_sudo, check_writable, drop_privileges, target_account
from ..sources.recorder import Recorder, Rotation
from ..sources.ring import NoRightError, NoRingError
from ..version import __version__

PRIORITY = -10
"""The capture process's niceness, when root may give it."""


class Task(Struct, frozen=True):
    """What to capture and what to do with it."""

    interfaces: tuple[str, ...]
    """Names of interfaces here, or one `ssh://user@host/interface`."""
    words: tuple[str, ...] = ()
    everything: bool = False
    """No boot filter, only the words."""
    write: Path | None = None
    rotation: Rotation = Rotation()
    user: str | None = None
    """Who to become instead of sudo's caller or nobody."""
    host_facts: bool = True
    count: int | None = None
    """End after so many packets."""
    arrows: bool = True

    @property
    def remote(self) -> bool:
        return self.interfaces[0].startswith("ssh://")


class Opened(Struct, frozen=True):
    """A capture that runs."""

    source: LiveSource
    recorder: Recorder | None
    facts: HostFacts | None
    text: str
    """`listening on virbr0`."""
    notes: tuple[str, ...]
    """What the user should know."""


def open_live(task: Task, wanted: Wanted) -> Opened:
    """Open the source, read host facts, give up root, open the recording. Raises CaptureError, UsageError.

    `wanted` is asked while another program is waited for.
    """
    account = target_account(task.user)
    if task.words:
        compile_filter(" ".join(task.words))  # for an error that shows the user's words alone
    if task.remote:
        return _open_remote(task, account, wanted)
    notes: list[str] = []
    recorder = None
    facts = None
    session = current_ssh_session()
    try:
        rings = RingSource(task.interfaces)
    except NoRightError:
        source: LiveSource = _open_dumpcap(task, wanted)
        facts = _facts(task)
    except NoRingError as error:
        source, warning = _open_scapy(task, error)
        notes.append(warning)
        facts = _facts(task)
    else:
        source = rings
        programs: list[bytes | None] = []
        for interface in rings.interfaces:
            text = filter_text(task.words, session=session, link_type=interface.link_type, everything=task.everything)
            # `vlan` must be asked of the kernel, which keeps the tag beside the packet.
            live_name = interface.name if "vlan" in " ".join(task.words) else None
            programs.append(compile_filter(text, interface.link_type, live_name) if text else None)
            if text and programs[-1] is None:
                if task.words:
                    raise CaptureError("neither libpcap nor tcpdump is installed: capture without filter words")
                notes.append("neither libpcap nor tcpdump is installed: capturing without a filter")
        facts = _facts(task)
        recorder = _open_before(task, account)
        rings.start(programs)
    if account is not None:
        with contextlib.suppress(OSError):
            # On a busy hypervisor the ring would overflow while others compute; this process uses little.
            os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
        drop_privileges(account)
        notes.append("running as root" if account.is_root else f"privileges dropped, running as {account.name}")
    recorder = recorder or _record(task)
    if recorder is not None:
        for interface in getattr(source, "interfaces", ()):
            recorder.declare(0, interface)
    return Opened(source, recorder, facts, f"listening on {', '.join(task.interfaces)}", tuple(notes))


def _open_before(task: Task, account: Account | None) -> Recorder | None:
    """The recording, opened by root itself, where the user it becomes may not write.

    Somebody who called sudo could not write there himself, and rotation would fail later: both are told now.
    """
    if task.write is None or account is None or account.is_root:
        return None
    rotates = task.rotation.max_bytes or task.rotation.max_seconds
    if task.user is not None or came_through_sudo(account) or rotates:
        check_writable(Path(str(task.write)), account)
        return None
    return _record(task)


def _record(task: Task) -> Recorder | None:
    if task.write is None:
        return None
    text = filter_text(task.words, everything=task.everything)
    return Recorder(task.write, f"bootsniff {__version__}", task.rotation, text)


def _facts(task: Task) -> HostFacts | None:
    if not task.host_facts:
        return None
    from ..sources.host_facts import gather

    return gather(task.interfaces)


def _open_dumpcap(task: Task, wanted: Wanted) -> LiveSource:
    from ..sources.dumpcap import DumpcapSource

    session = current_ssh_session()

    def filters(link_type: int) -> tuple[str, str]:
        text = partial(filter_text, task.words, session=session, link_type=link_type, everything=task.everything)
        return text(part="control"), text(part="bulk")

    return DumpcapSource(task.interfaces, wanted, filters)


def _open_scapy(task: Task, reason: CaptureError) -> tuple[LiveSource, str]:
    from ..sources.scapy_sniff import WARNING, ScapySource

    text = filter_text(task.words, session=current_ssh_session(), everything=task.everything, part="control")
    return ScapySource(task.interfaces, text), f"{reason}; {WARNING}"


def _open_remote(task: Task, account: Account | None, wanted: Wanted) -> Opened:
    from ..sources.remote import Remote, RemoteSource

    remote = Remote.parse(task.interfaces[0])
    if account is not None and came_through_sudo(account):
        drop_privileges(account)  # the user's own ssh, with the user's own keys
    source = RemoteSource(remote, task.words, wanted, everything=task.everything)
    return Opened(source, _record(task), None, f"listening on {remote.label} through ssh", ())
