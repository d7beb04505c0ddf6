"""Names of events that were misspelled, and so never heard of."""

from __future__ import annotations

from typing import Final

from mapping.rewrite.actions import Context, Note, change
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.rules import RewriteRule
from mapping.sources.types import table
from mapping.sources.uses import Use, UseKind

__all__ = ["correct_event", "meant_event"]

# Shorter names have neighbors that are names themselves.
_SHORTEST: Final = 7
_FARTHEST: Final = 2


def correct_event(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace the name of an event that the class has not by the one that was meant."""
    owner, mark, name = use.symbol.partition("#")
    if use.kind is not UseKind.EVENT or not mark:
        return None
    known = table(use.api).events(owner)
    meant = None if not known or name in known else meant_event(name, known)
    if meant is None:
        return None
    edit = Edit(use.span.start, use.span.end, meant)
    return change(use, rule, f"{name!r} becomes {meant!r}", edit)


def meant_event(name: str, known: list[str]) -> str | None:
    """The only known name that differs by two letters left out, added, changed or swapped; or None.

    Names that begin differently are different names: `connected` does not mean `reconnected`.
    """
    near = [
        one
        for one in known
        if len(one) >= _SHORTEST
        and one[0].lower() == name[:1].lower()
        and _distance(name, one) <= _FARTHEST
    ]
    return near[0] if len(near) == 1 else None


def _distance(one: str, other: str) -> int:
    """How many letters have to be added, removed, changed or swapped with their neighbor.

    Source: the optimal string alignment of Damerau (1964), Levenshtein (1966).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        following = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(row[j] + 1, following[-1] + 1, row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]
