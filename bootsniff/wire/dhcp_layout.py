"""Where options stand in DHCPv4 messages that were read before, so that the next one like them is not walked through.

Messages of one firmware, and the replies of one server, differ in a few options only: a UUID, an address. Everything
else of a message is looked up as one piece; what is found under it was read from the very same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from .messages import DhcpOptions

_PAD, _END = 0, 255
_OWN = frozenset({12, 50, 61, 81, 82, 97})
"""Options that differ from machine to machine: host name, addresses, identifiers, relay agent information."""
_BEGIN = 236
_SHAPES = 1024
_LAYOUTS = 4
"""Layouts of messages of one length whose options begin alike."""
_KNOWN = 4096
"""Messages that are known by all but their own options; all are forgotten when there are more."""

Known = tuple[DhcpOptions, int, int, tuple[str, ...]]
"""Options, message type, no overload and no problems."""
_Get = Callable[[bytes], "bytes | tuple[bytes, ...]"]


class _Layout:
    """Messages of one length whose options stand in the same places."""

    __slots__ = ("common", "known", "own", "places")

    def __init__(self, common: tuple[slice, ...], own: tuple[slice, ...]) -> None:
        self.places = common
        self.common: _Get = itemgetter(*common)
        self.own: _Get | None = itemgetter(*own) if own else None
        self.known: dict[bytes | tuple[bytes, ...], Known] = {}


_shapes: dict[tuple[int, bytes], list[_Layout]] = {}
_count = 0


def known_options(payload: bytes) -> Known | None:
    """The options and the message type, when a message was read that differs in nothing but its own options."""
    for layout in _shapes.get((len(payload), payload[240:250]), ()):
        known = layout.known.get(layout.common(payload))
        if known is not None:
            if layout.own is None:
                return known
            options = known[0]
            own = layout.own(payload)
            mine = own if isinstance(own, bytes) else b"".join(own)
            return DhcpOptions(options.codes, options.values, mine), known[1], 0, ()
    return None


def learn(payload: bytes, options: DhcpOptions, message_type: int) -> None:
    """Remember a flawless message, unless an option of it stands in two parts (RFC 3396)."""
    global _count  # noqa: PLW0603
    common, own, values = _places(payload, options)
    if not common:
        return
    if len(_shapes) >= _SHAPES or _count >= _KNOWN:
        _shapes.clear()
        _count = 0
    layouts = _shapes.setdefault((len(payload), payload[240:250]), [])
    layout = next((layout for layout in layouts if layout.places == common), None)
    if layout is None:
        layout = _Layout(common, own)
        layouts.append(layout)
        if len(layouts) > _LAYOUTS:
            _count -= len(layouts.pop(0).known)
    layout.known[layout.common(payload)] = DhcpOptions(options.codes, values), message_type, 0, ()
    _count += 1


def _places(
    payload: bytes, options: DhcpOptions
) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[bytes | tuple[int, int], ...]]:
    """Where the common bytes stand, where the message's own values do, and its values as `DhcpOptions` has them."""
    common: list[slice] = []
    own: list[slice] = []
    values = list(options.values)
    position, begin, held, number = 240, _BEGIN, 0, 0
    while payload[position] != _END:
        code = payload[position]
        if code == _PAD:
            position += 1
            continue
        size = payload[position + 1]
        position += 2
        if code in _OWN:
            common.append(slice(begin, position))
            begin = position + size
            own.append(slice(position, begin))
            if number < len(values):
                values[number] = (held, held + size)
            held += size
        position += size
        number += 1
    common.append(slice(begin, position + 1))
    if number != len(values):
        return (), (), ()
    return tuple(common), tuple(own), tuple(values)
