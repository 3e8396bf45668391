"""Time stamps of pcapng interfaces, in any resolution, as nanoseconds since the epoch; no I/O."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .scan import Ints

_LAST_SECOND = 9_000_000_000
"""Times are kept inside the years 1684 to 2255, which is what 64 bits of nanoseconds can hold."""


class Clock(NamedTuple):
    """if_tsresol and if_tsoffset of one interface."""

    units: int
    """Ticks per second: a power of ten or of two."""
    offset: int
    """Seconds to add."""

    @classmethod
    def of(cls, resolution: int, offset: int) -> Clock:
        exponent = resolution & 0x7F
        units: int = 2**exponent if resolution & 0x80 else 10**exponent
        return cls(units, max(-_LAST_SECOND, min(offset, _LAST_SECOND)))


def nanoseconds(stamps: npt.NDArray[np.uint64], numbers: Ints, clocks: tuple[Clock, ...]) -> Ints:
    """Time of each stamp, taken by the clock with that number. Clocks may disagree about units."""
    if len(set(clocks)) == 1:
        return _convert(stamps, clocks[0])
    times = np.empty(len(stamps), np.int64)
    for number in np.unique(numbers).tolist():
        mine = numbers == number
        times[mine] = _convert(stamps[mine], clocks[number])
    return times


def _convert(stamps: npt.NDArray[np.uint64], clock: Clock) -> Ints:
    units = clock.units
    if units <= 10**9 and 10**9 % units == 0 and int(stamps.max(initial=0)) < _LAST_SECOND * units:
        whole = stamps * np.uint64(10**9 // units)
        return whole.view(np.int64) + clock.offset * 10**9 if clock.offset else whole.view(np.int64)
    if units >> 64:  # so fine that 64 bits of ticks are less than the clock's first second
        return (stamps // np.uint64(min(units // 10**9, 2**64 - 1))).astype(np.int64) + clock.offset * 10**9
    seconds = stamps // np.uint64(units)
    fraction = stamps - seconds * np.uint64(units)
    if units <= 10**9:
        fraction = fraction * np.uint64(10**9) // np.uint64(units)
    elif units % 10**9 == 0:
        fraction //= np.uint64(units // 10**9)
    else:  # a power of two above 2**30: three digits at a time, so that no product passes 64 bits
        fraction = _scaled(fraction, units)
    full: Ints = np.minimum(seconds, np.uint64(_LAST_SECOND)).astype(np.int64) + clock.offset
    full = np.clip(full, -_LAST_SECOND, _LAST_SECOND) * 10**9
    return full + fraction.astype(np.int64)


def _scaled(fraction: npt.NDArray[np.uint64], units: int) -> npt.NDArray[np.uint64]:
    """The fraction times 10**9 // units, for a power of two; ticks finer than 2**-34 s are less than a nanosecond."""
    surplus = max(0, units.bit_length() - 1 - 34)
    return (fraction >> np.uint64(surplus)) * np.uint64(10**9) >> np.uint64(units.bit_length() - 1 - surplus)
