"""The live, read-only maps of Twilio objects: `room.participants`, `participant.tracks`.

A JavaScript `Map` seen from Python: a `Mapping` in order of insertion, with `forEach`, `size`,
`has` and `entries` beside it. One difference stays: iterating a Python mapping gives keys, where
JavaScript gives pairs; use `values()`, `entries()` or `forEach`.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from typing import TypeVar, final

from twilio_compat.emitter import positional_limit

__all__ = ["LiveMap"]

V_co = TypeVar("V_co", covariant=True)


@final
class LiveMap(Mapping[str, V_co]):
    """A view of a dict that its owner keeps changing."""

    def __init__(self, items: Mapping[str, V_co]) -> None:
        self._items = items

    def __getitem__(self, key: str) -> V_co:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"LiveMap({dict(self._items)!r})"

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self._items)

    def has(self, key: str) -> bool:
        """Whether there is an entry for `key`."""
        return key in self._items

    def entries(self) -> ItemsView[str, V_co]:
        """Pairs of key and value."""
        return self.items()

    def for_each(self, function: Callable[..., object]) -> None:
        """Call `function(value, key, map)` for each entry there is now.

        A function with fewer parameters gets the first ones, as in JavaScript.
        """
        limit = positional_limit(function)
        for key, value in tuple(self._items.items()):
            function(*(value, key, self)[:limit])

    # Twilio's spelling; tests/twilio_compat/test_names.py checks it.
    forEach = for_each
