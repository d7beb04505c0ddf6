"""Which entries of two sequences belong beside each other, in their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from mapping.compare.trace import Entry

__all__ = ["Key", "Pair", "align"]

Pair: TypeAlias = tuple[Entry | None, Entry | None]
Key: TypeAlias = Callable[[Entry], Hashable]


def align(left: Sequence[Entry], right: Sequence[Entry], key: Key) -> Iterator[Pair]:
    """Pair entries of equal keys without changing either order; what has no partner is alone.

    Entries that are equal in everything are paired first: where one of a hundred messages is lost,
    this one is alone, and the others are not each paired with the one before it.
    """
    for mine, theirs, is_equal in _blocks(left, right, _everything):
        if is_equal:
            yield from zip(mine, theirs, strict=True)
            continue
        for inner, other, is_same in _blocks(mine, theirs, key):
            if is_same:
                yield from zip(inner, other, strict=True)
            else:
                yield from ((one, None) for one in inner)
                yield from ((None, one) for one in other)


def _everything(entry: Entry) -> Hashable:
    args = json.dumps(entry.args, sort_keys=True)
    return entry.actor, entry.kind, entry.name, entry.step, args


def _blocks(
    left: Sequence[Entry], right: Sequence[Entry], key: Key
) -> Iterator[tuple[Sequence[Entry], Sequence[Entry], bool]]:
    """Both sequences in parts, and whether the keys of a part are equal."""
    keys, other_keys = [key(one) for one in left], [key(one) for one in right]
    # Where most is equal, as in nearly all comparisons, little is left for the slow part.
    start = _equal_from_start(keys, other_keys)
    end = _equal_from_start(keys[start:][::-1], other_keys[start:][::-1])
    to, other_to = len(keys) - end, len(other_keys) - end
    yield left[:start], right[:start], True
    matcher = SequenceMatcher(None, keys[start:to], other_keys[start:other_to], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield left[start + a : start + b], right[start + c : start + d], tag == "equal"
    yield left[to:], right[other_to:], True


def _equal_from_start(keys: Sequence[Hashable], other_keys: Sequence[Hashable]) -> int:
    unequal = (
        at for at, (one, other) in enumerate(zip(keys, other_keys, strict=False)) if one != other
    )
    return next(unequal, min(len(keys), len(other_keys)))
