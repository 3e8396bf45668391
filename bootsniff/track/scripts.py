"""Scripts seen on the wire tell which files should follow, and whether somebody must press a key first."""

from __future__ import annotations

from urllib.parse import urljoin

from ..wire.scripts import ScriptPlan, read_script
from .machines import kept
from .records import Expectation, FetchRecord, StageRecord

MAX_EXPECTATIONS = 64


def apply_script(stage: StageRecord, fetch: FetchRecord) -> None:
    """Read a whole script or configuration: note what should be fetched next, its menu and a local boot."""
    content = fetch.content
    if content is None:
        return
    plan = read_script(content.kind, fetch.flow.body.head.decode("utf-8", "backslashreplace"))
    at = fetch.flow.last
    for wanted in plan.files:
        if wanted.literal:
            url = urljoin(fetch.name, wanted.name) if "://" in fetch.name else wanted.name
            stage.expectations = kept(
                stage.expectations, Expectation(url, wanted.role, fetch.name, at), MAX_EXPECTATIONS
            )
    _note_prompt(stage, fetch, plan)
    if plan.local_boot and not plan.files:
        stage.local_boot = at


def _note_prompt(stage: StageRecord, fetch: FetchRecord, plan: ScriptPlan) -> None:
    if plan.waits_for_key and plan.timeout is None:
        stage.menu = f"menu of {fetch.name}"
