"""Pulls the blocks of several captures side by side, in order of time; looks at times only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..model import Block, Tick
from .blocks import cut

if TYPE_CHECKING:
    from .capture_source import CaptureSource

Ended = Callable[[int], None]
"""Is told the index of a capture that has no more blocks."""


def rounds(sources: Sequence[CaptureSource], ended: Ended) -> Iterator[tuple[Block, ...]]:
    """All blocks of open captures `in_time_order`."""
    return in_time_order([_until_end(source, ended) for source in sources])


def rounds_and_ticks(sources: Sequence[CaptureSource], ended: Ended) -> Iterator[tuple[Block, ...] | Tick]:
    """The same as they come: a single capture also tells when it is quiet, and never that it has ended."""
    if len(sources) > 1:
        yield from rounds(sources, ended)
        return
    for item in sources[0].blocks(live=True):
        yield item if isinstance(item, Tick) else (item,)


def _until_end(source: CaptureSource, ended: Ended) -> Iterator[Block]:
    yield from source.blocks()
    ended(source.index)


def in_time_order(captures: Iterable[Iterator[Block]]) -> Iterator[tuple[Block, ...]]:
    """Rounds of blocks: nothing in a later round is earlier than anything in this one.

    Within a round there is at most one block of each capture, and their times overlap: merge what is made of them by
    time. Blocks are cut where the first capture's block ends, not at every packet, so that captures of the same
    traffic at two points do not fall apart into single packets. One block of each capture is held, never more. The
    order is exact as far as each capture is itself in order; frames that are not stay where they are in their capture.
    """
    pending: list[_Pending] = []
    for blocks in captures:
        _pull(pending, blocks)
    while pending:
        bound = min(one.latest for one in pending)
        parts: list[Block] = []
        rest: list[_Pending] = []
        exhausted: list[Iterator[Block]] = []
        for one in pending:
            if one.earliest > bound:  # the parts of a rotated capture wait here by the hundred
                rest.append(one)
                continue
            block = one.block
            later = block.time > bound
            count = int(later.argmax()) if later.any() else len(block)
            if count:
                parts.append(block if count == len(block) else cut(block, 0, count))
            if count < len(block):
                rest.append(_waiting(cut(block, count, len(block)), one.blocks))
            else:
                exhausted.append(one.blocks)
        yield tuple(parts)
        pending = rest
        for blocks in exhausted:  # only now: the buffers of `parts` may be used again
            _pull(pending, blocks)


class _Pending(NamedTuple):
    """A capture's present block, and what follows it."""

    block: Block
    blocks: Iterator[Block]
    earliest: int
    latest: int


def _waiting(block: Block, blocks: Iterator[Block]) -> _Pending:
    return _Pending(block, blocks, int(block.time.min()), int(block.time.max()))


def _pull(pending: list[_Pending], blocks: Iterator[Block]) -> None:
    block = next((block for block in blocks if len(block)), None)
    if block is not None:
        pending.append(_waiting(block, blocks))
