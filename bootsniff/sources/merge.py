"""Pulls the blocks of several captures side by side, in order of time; looks at times only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import Block


def in_time_order(captures: Iterable[Iterator[Block]]) -> Iterator[tuple[Block, ...]]:
    """Rounds of blocks: nothing in a later round is earlier than anything in this one.

    Within a round there is at most one block of each capture, and their times overlap: merge what is made of them by
    time. Blocks are cut where the first capture's block ends, not at every packet, so that captures of the same
    traffic at two points do not fall apart into single packets. One block of each capture is held, never more. The
    order is exact as far as each capture is itself in order; frames that are not stay where they are in their capture.
    """
    pending: list[tuple[Block, Iterator[Block]]] = []
    for blocks in captures:
        _pull(pending, blocks)
    while pending:
        bound = min(int(block.time.max()) for block, _ in pending)
        parts: list[Block] = []
        rest: list[tuple[Block, Iterator[Block]]] = []
        exhausted: list[Iterator[Block]] = []
        for block, blocks in pending:
            later = block.time > bound
            count = int(later.argmax()) if later.any() else len(block)
            if count:
                parts.append(block if count == len(block) else cut(block, 0, count))
            if count < len(block):
                rest.append((cut(block, count, len(block)), blocks))
            else:
                exhausted.append(blocks)
        yield tuple(parts)
        pending = rest
        for blocks in exhausted:  # only now: the buffers of `parts` may be used again
            _pull(pending, blocks)


def cut(block: Block, start: int, stop: int) -> Block:
    """The packets `start` to `stop` of a block, as a block on the same buffer."""
    return Block(
        block.capture,
        block.buffer,
        block.first_frame + start,
        block.time[start:stop],
        block.offset[start:stop],
        block.captured[start:stop],
        block.original[start:stop],
        None if block.interface is None else block.interface[start:stop],
        block.interfaces,
        None if block.vlan is None else block.vlan[start:stop],
        None if block.vlan_tag is None else block.vlan_tag[start:stop],
        None if block.prepared is None else {name: column[start:stop] for name, column in block.prepared.items()},
    )


def _pull(pending: list[tuple[Block, Iterator[Block]]], blocks: Iterator[Block]) -> None:
    block = next((block for block in blocks if len(block)), None)
    if block is not None:
        pending.append((block, blocks))
