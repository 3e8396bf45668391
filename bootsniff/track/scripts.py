"""Scripts seen on the wire tell which files should follow, and whether somebody must press a key first."""

from __future__ import annotations

import re

from ..model import NANOSECONDS, FrameRef
from ..wire.scripts import NamedFile, ScriptPlan, read_script
from .machines import kept
from .naming import joined, pieces_of
from .records import Expectation, FetchRecord, IdleScript, InitrdLeftOut, StageRecord

MAX_EXPECTATIONS = 64
MAX_HOSTS = 64
LONGEST_PAUSE = 3600 * NANOSECONDS
_HOST = re.compile(
    r"(?:://|\b(?:nfsroot|nbdroot|url|ks|repo|stage2|(?:net)?root|iscsi_target_ip)=(?:(?:nfs4?|nbd|iscsi):)?)"
    r"(?:[\w:]*@)?([a-z0-9][a-z0-9.-]*|\$)",
    re.IGNORECASE,
)
"""Where a script names a host: in URLs, and in the arguments of installers that do without `://`; `$` begins a variable."""


def apply_script(stage: StageRecord, fetch: FetchRecord) -> None:
    """Read a whole script or configuration: note what should be fetched next, its menu and a local boot."""
    content = fetch.content
    if content is None:
        return
    text = fetch.flow.body.head.decode("utf-8", "backslashreplace")
    plan = read_script(content.kind, text)
    for named in _HOST.findall(text):
        host = named.lower() if named != "$" else fetch.server  # as a rule ${next-server}
        if host not in stage.hosts:
            stage.hosts = kept(stage.hosts, host, MAX_HOSTS)
    for url in plan.told:
        if url not in stage.told:
            stage.told = kept(stage.told, url, MAX_HOSTS)
    at = fetch.flow.last
    text_at = fetch.flow.body.newest or at  # the last of the text itself: what follows is its ACK
    for wanted in plan.files:
        expected = _expectation(wanted, fetch.name, text_at)
        if expected is not None:
            stage.expectations = kept(stage.expectations, expected, MAX_EXPECTATIONS)
    for told in plan.left_out:
        left_out = InitrdLeftOut(joined(fetch.name, told.kernel), at, fetch.name, told)
        stage.left_out = kept(stage.left_out, left_out, MAX_EXPECTATIONS)
    _note_prompt(stage, fetch, plan)
    _note_idle(stage, fetch, plan)
    stage.pause = min((plan.timeout or 0) + plan.sleep, LONGEST_PAUSE)
    if plan.leaves:
        stage.local_boot = at


def _expectation(wanted: NamedFile, named_in: str, at: FrameRef) -> Expectation | None:
    if wanted.literal:
        return Expectation(joined(named_in, wanted.name), wanted.role, named_in, at, labels=wanted.labels)
    pieces = pieces_of(wanted.name)
    return Expectation(wanted.name, wanted.role, named_in, at, pieces) if pieces else None


def _note_idle(stage: StageRecord, fetch: FetchRecord, plan: ScriptPlan) -> None:
    """What one script leaves undone another may do, that chained it: only the one that DHCP names is alone."""
    idle = (not plan.starts or plan.misspelt is not None) and fetch.role == "boot-file"
    alone = not any(
        one.content is not None and one.content.kind == "ipxe-script" for one in stage.fetches if one is not fetch
    )
    stage.idle_script = IdleScript(fetch.name, fetch.flow.last, plan.starts, plan.misspelt) if idle and alone else None


def _note_prompt(stage: StageRecord, fetch: FetchRecord, plan: ScriptPlan) -> None:
    if plan.waits_for_key and plan.timeout is None:
        stage.menu = f"menu of {fetch.name}"
