"""Parts of a block of packets; decodes none of them."""

from __future__ import annotations

from ..model import Block


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
