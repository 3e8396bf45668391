"""How far a stage came by what it asked servers for; pure functions of the records."""

from __future__ import annotations

from ..flow.records import TcpConnection, TftpTransfer
from ..model import StallPoint
from .arrived import (
    brought_file,
    dead_end,
    is_companion,
    is_foreign_program,
    is_image,
    is_initrd,
    is_kernel,
    is_no_boot_type,
    is_not_the_part,
    is_vague,
    is_web_page,
    over_tls,
    unread,
)
from .boot_file import is_beside_ip, wait_beside_ip
from .circles import kernel_again, redirect_circle, runs_ipxe_again, script_circle
from .connection_outcome import unanswered
from .exchanges import Dhcp4Exchange
from .fetch_outcome import failed_before
from .kinds import LOADERS, is_firmware, is_http_client, is_ipxe, runs_u_boot
from .left_out import starts_without_initrd
from .naming import is_way_out
from .next_file import in_the_way, leaves_initrd_out
from .nfs_outcome import nfs_state
from .patience import (
    KERNEL_SILENCE,
    NBP_SILENCE,
    PAGE_SILENCE,
    SCRIPT_TURNS,
    SEARCH_SILENCE,
    TRIED_AGAIN,
    Patience,
    patience_of,
)
from .reached import failure_point, is_expected_to_go_on, is_script_in_part, rank_of, was_answered
from .records import FetchRecord, StageRecord
from .state import ANSWERED, CONFIGURED, DONE, KERNEL, LOADED, StageState, in_seconds, is_over

_CHOSEN = frozenset({"kernel", "initrd", "image", "boot-file"})


def loading_state(
    stage: StageRecord, following: StageRecord | None, now: int, *, gone: bool, started: bool, settled: bool = False
) -> StageState:
    """Judge a stage that has fetches. `gone`: the machine went on to another option; `started`: to what this one loaded.

    Once it is `settled` that nothing follows, a refused connection is the last word.
    """
    useful = [fetch for fetch in stage.fetches if fetch.useful]
    if started:
        return StageState(LOADED)
    if _has_left(stage, useful):
        return StageState(DONE, handed_off=True)
    tail = stage.fetches[-1]
    obstacle = in_the_way(stage, tail, now, gone=gone) if tail.status == "complete" else None
    if obstacle is None and not _was_refused(stage, following) and _handed_over(stage, useful, now, gone=gone):
        return _kernel_state(stage, tail.end, now, gone=gone)
    silence_from = max(stage.last.time, tail.end)
    if not useful or (tail.status == "optional" and tail.role == "config-search" and not _config_found(stage)):
        return _search_state(stage, useful, silence_from, now, gone=gone)
    last = useful[-1]
    rank = rank_of(useful)
    end = dead_end(stage)
    if last.in_vain:
        if stage.client == "raspberry-pi" and not gone and not is_over(silence_from, SEARCH_SILENCE, now):
            return _search_wait(rank, silence_from, SEARCH_SILENCE, now)  # it tries many names, one after the other
        return StageState(rank, failed=True, point="chain" if _has_no_config(stage, last) else failure_point(last))
    final = gone or obstacle == "nbp" or (settled and obstacle in ("tcp", "tls", "dns"))
    if obstacle is not None and (
        final or is_over(silence_from, TRIED_AGAIN, now) or is_over(tail.end, NBP_SILENCE, now)
    ):
        return StageState(rank, failed=True, point=obstacle)
    circle = _circle(stage)
    if circle is not None:
        return StageState(rank, failed=True, point=circle)
    if last.status == "in-progress" and not was_answered(last) and failed_before(last, useful[-4:-1]):
        return StageState(rank, failed=True, point=failure_point(last))  # a script's loop: once more is no progress
    if last.status == "in-progress":
        patience = patience_of(stage.client)
        return StageState(
            rank, waiting_for=_transfer_wait(last, patience, now), check_at=last.end + patience.request_silence + 1
        )
    if stage.menu is not None and (end is None or is_vague(end)):
        return StageState(rank, waiting_for=f"a key: {stage.menu}")
    if end is None and (is_no_boot_type(stage, last) or is_not_the_part(stage, last)):
        end = last
    point = _silence_point(stage, last, end)
    secure = over_tls(stage) if end is None else None
    if secure is not None:
        return secure_state(secure, refused=gone and following is not None, now=now)
    if end is None and (state := _beyond_reading(stage, last, rank, now, gone=gone)) is not None:
        return state
    if gone:
        return StageState(rank, failed=True, point=point)
    return _quiet_state(stage, StageState(rank, failed=True, point=point), last, silence_from, end, now)


def _has_left(stage: StageRecord, useful: list[FetchRecord]) -> bool:
    """Whether the script leaves for the disk, and nobody chose anything else from its menu."""
    if stage.local_boot is None or (useful and useful[-1].in_vain):
        return False
    return not any(fetch.start > stage.local_boot.time and fetch.role in _CHOSEN for fetch in useful)


def _beyond_reading(stage: StageRecord, last: FetchRecord, rank: int, now: int, *, gone: bool) -> StageState | None:
    """A program that goes on after `last` in a protocol that is not read here."""
    disk = next((wanted.url for wanted in stage.expectations if is_beside_ip(wanted.url)), None)
    if disk is not None and not gone:
        return StageState(rank, waiting_for=wait_beside_ip(disk))
    state = nfs_state(stage, last.start, rank, now, gone=gone)
    if state is None and not gone and (connection := unread(stage, last)) is not None:
        return StageState(rank, waiting_for=f"what {connection.server} sends on port {connection.server_port}")
    return state


def _silence_point(stage: StageRecord, last: FetchRecord, end: FetchRecord | None) -> StallPoint:
    """Where a program stands that has everything it asked for, `end` being of no use to it."""
    if end is not None and (is_web_page(end) or is_no_boot_type(stage, end) or is_not_the_part(stage, end)):
        return "http"
    if end is not None:
        return "nbp" if is_firmware(stage.client) or is_foreign_program(stage, end) else "chain"
    if is_ipxe(stage.client):
        script = last.content is not None and last.content.kind == "ipxe-script"
        return "nbp" if last.role == "boot-file" and not script and not runs_ipxe_again(stage) else "chain"
    return "nbp" if is_firmware(stage.client) else "chain"


def _quiet_state(
    stage: StageRecord, failure: StageState, last: FetchRecord, since: int, end: FetchRecord | None, now: int
) -> StageState:
    """Everything came whole, and nothing more is asked for: a failure once that lasts too long."""
    limit = PAGE_SILENCE if end is not None else NBP_SILENCE + stage.pause
    goes_on = not is_vague(end) if end is not None else is_expected_to_go_on(last) or leaves_initrd_out(stage)
    if is_over(since, limit, now) and goes_on:
        return failure
    wait = (
        unanswered(stage, last.end, now) or f"{_short(last.name)} to ask for something, for {in_seconds(now - since)}"
    )
    return StageState(failure.rank, waiting_for=wait, check_at=since + limit + 1)


def _circle(stage: StageRecord) -> StallPoint | None:
    """Where a program goes round in a circle, if it does."""
    if (is_ipxe(stage.client) and script_circle(stage, SCRIPT_TURNS) is not None) or kernel_again(stage) is not None:
        return "chain"
    return "http" if redirect_circle(stage, SCRIPT_TURNS) is not None else None


def _search_state(stage: StageRecord, useful: list[FetchRecord], since: int, now: int, *, gone: bool) -> StageState:
    rank = CONFIGURED if stage.client in LOADERS else ANSWERED
    if useful:
        rank = max(rank, rank_of(useful))
    only_extras = all(fetch.role == "optional" for fetch in stage.fetches if fetch.status == "optional")
    limit = NBP_SILENCE if only_extras else SEARCH_SILENCE
    if gone or _let_go(stage) or is_over(since, limit, now):
        missing = None if runs_u_boot(stage.client) else next((one for one in useful if one.status == "failed"), None)
        point: StallPoint = "nbp" if only_extras and is_firmware(stage.client) else "chain"
        if not useful and is_http_client(stage.client):
            point = "http"  # it only asked for the size
        return StageState(rank, failed=True, point=failure_point(missing) if missing is not None else point)
    return _search_wait(rank, since, limit, now)


def _search_wait(rank: int, since: int, limit: int, now: int) -> StageState:
    wait = f"the next name of its search list, for {in_seconds(now - since)}"
    return StageState(rank, waiting_for=wait, check_at=since + limit + 1)


def _let_go(stage: StageRecord) -> bool:
    """Whether the program gave its address back after its last request: s390-ccw does so when it is through."""
    exchange = stage.dhcp
    return (
        isinstance(exchange, Dhcp4Exchange)
        and exchange.released is not None
        and exchange.released.time >= stage.fetches[-1].start
    )


def _config_found(stage: StageRecord) -> bool:
    return any(
        fetch.status == "complete"
        and (
            fetch.role in ("config-search", "script") or (fetch.content is not None and "config" in fetch.content.kind)
        )
        for fetch in stage.fetches
    )


def _has_no_config(stage: StageRecord, last: FetchRecord) -> bool:
    """Whether GRUB sits at its prompt, as PXELINUX does, since the last name of its configuration does not exist."""
    searches = stage.client == "grub" and last.role in ("script", "config-search")
    return searches and last.missing and not _config_found(stage)


def _was_refused(stage: StageRecord, following: StageRecord | None) -> bool:
    """Whether UEFI firmware or U-Boot went on to its next option in the same boot, whatever it had fetched whole."""
    firmware = stage.client.startswith("efi-") or runs_u_boot(stage.client)
    return following is not None and firmware and is_firmware(following.client)


def _handed_over(stage: StageRecord, useful: list[FetchRecord], now: int, *, gone: bool) -> bool:
    """Whether the last thing this program had to fetch arrived whole: a kernel with its initrd, or a disk image."""
    if (
        not useful
        or any(fetch.status in ("in-progress", "stalled") for fetch in useful[-3:])
        or useful[-1].status != "complete"
    ):
        return False
    last = useful[-1]
    if dead_end(stage) is not None or kernel_again(stage) is not None:
        return False
    kernels = [fetch for fetch in useful if is_kernel(fetch)]
    initrds = [fetch for fetch in useful if is_initrd(fetch)]
    if is_image(last) or is_way_out(last.name):
        return True
    if kernels and is_companion(last):
        return gone or is_over(last.end, KERNEL_SILENCE, now)
    if not kernels or last not in (*kernels, *initrds):
        return False
    missing = [wanted for wanted in stage.expectations if wanted.role == "initrd" and wanted.pieces is None]
    if initrds:
        return True
    if any(is_script_in_part(fetch) for fetch in useful) and not gone:
        return False  # where the capture cut the script it may name an initrd
    # No initrd so far: one that a script names is still to come; otherwise the kernel is all there is.
    return (not missing or gone) and (gone or is_over(last.end, KERNEL_SILENCE, now))


def _kernel_state(stage: StageRecord, since: int, now: int, *, gone: bool) -> StageState:
    """A kernel runs: what is seen of its system later is a stage of its own; without its initrd none will be."""
    if not starts_without_initrd(stage):
        return StageState(DONE, handed_off=True)
    if gone or is_over(since, PAGE_SILENCE, now):
        return StageState(KERNEL, failed=True, point="chain")
    return StageState(DONE, handed_off=True, check_at=since + PAGE_SILENCE + 1)


def _transfer_wait(fetch: FetchRecord, patience: Patience, now: int) -> str:
    flow, name = fetch.flow, _short(fetch.name)
    if not isinstance(flow, TftpTransfer):
        return f"{'the rest of' if flow.response is not None else 'an answer for'} {name}, for {in_seconds(now - fetch.end)}"
    if flow.reply_from is None:
        more = max(0, patience.requests - flow.request_count)
        text = f"an answer to RRQ {name}, for {in_seconds(now - flow.start)}, {flow.request_count} sent"
        return text + (f", {more} more to come" if more else "")
    return f"block {flow.highest_block + 1} of {name}, for {in_seconds(now - fetch.end)}"


def _short(name: str) -> str:
    tail = name.rsplit("/", 1)[-1] or name or "the file"  # a transfer that the capture does not hold from its start
    return tail if len(tail) <= 40 else tail[:39] + "…"


def secure_state(connection: TcpConnection, *, refused: bool, now: int) -> StageState:
    """Something came over TLS: only what the machine does next tells whether it was of use."""
    if refused:
        return StageState(LOADED, failed=True, point="nbp" if brought_file(connection) else "http")
    came = connection.tls.application_bytes_from_server if connection.tls is not None else 0
    wait = (
        f"a sign of what {connection.server} sent over TLS ({came} bytes), for {in_seconds(now - connection.last.time)}"
    )
    return StageState(LOADED, waiting_for=wait)
