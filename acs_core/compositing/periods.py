"""Which time is rendered: what is to be kept, less what is to be left out. Pure.

Times are seconds on the tracks' clock; a tick is one picture of the file, so that sound and
pictures are cut at the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Ticks", "kept", "overlap", "ticks"]

_Period = tuple[float, float]


class Ticks(NamedTuple):
    """A kept period: so many ticks from a time on."""

    start: float
    length: int


def kept(
    spans: Iterable[_Period], periods: Sequence[_Period] | None, *, is_trimmed: bool
) -> list[_Period]:
    """What of the time is rendered, in order and without overlap.

    Args:
        spans: From when to when each chosen track is there.
        periods: What to keep; None: from the first track to the end of the last.
        is_trimmed: Whether to leave out when no track is there.
    """
    active = _union(spans)
    if periods is None:
        periods = [(active[0][0], active[-1][1])] if active else []
    wanted = _union(periods)
    return overlap(wanted, active) if is_trimmed else wanted


def overlap(some: Sequence[_Period], others: Sequence[_Period]) -> list[_Period]:
    """When both are; each is in order and without overlap."""
    found: list[_Period] = []
    first = second = 0
    while first < len(some) and second < len(others):
        start = max(some[first][0], others[second][0])
        end = min(some[first][1], others[second][1])
        if start < end:
            found.append((start, end))
        if some[first][1] < others[second][1]:
            first += 1
        else:
            second += 1
    return found


def ticks(periods: Iterable[_Period], rate: int) -> Iterator[Ticks]:
    """The same in ticks; what rounding adds to one it takes from the next.

    Args:
        periods: In order and without overlap.
        rate: Ticks per second.
    """
    total = given = 0.0
    for start, end in periods:
        total += (end - start) * rate
        count = round(total - given)
        given += count
        if count:
            yield Ticks(start, count)


def _union(periods: Iterable[_Period]) -> list[_Period]:
    merged: list[_Period] = []
    for start, end in sorted(period for period in periods if period[0] < period[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
