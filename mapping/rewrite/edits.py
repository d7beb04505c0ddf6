"""Texts and edits of them.

Theory of operation. An edit replaces a range of characters; edits that belong together are one
`Change`, which is made wholly or not at all. Changes are taken in an order that depends on nothing
but themselves, and one that touches a range which another has taken waits for the next pass.
Everything outside the ranges stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mapping.sources.uses import Confidence

__all__ = ["Change", "Edit", "apply_changes", "without_overlaps"]


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One replacement.

    Attributes:
        start: Offset of the first character that goes, from 0, in characters.
        end: Offset behind the last one; `start` for an insertion.
        text: What comes instead.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """Edits that belong together, and why they are made.

    Attributes:
        rule: Id of the rule.
        line: Where, for people; from 1.
        column: From 1.
        confidence: Of the use that it is about.
        summary: What is done, in one line.
        why: The reason, from the rule.
        edits: In the order of the text, without overlaps; at the same place in the given order.
        is_note: Whether it only leaves a comment for a person.
    """

    rule: str
    line: int
    column: int
    confidence: Confidence
    summary: str
    why: str
    edits: tuple[Edit, ...]
    is_note: bool = False


def without_overlaps(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Divide changes into those that can be made together and those that have to wait.

    Earlier places go first, then wider ranges, then the rule's id. Different insertions at one
    place do not exclude each other, and an insertion at the border of a range does not touch it.
    """
    taken: list[Edit] = []
    made: list[Change] = []
    waiting: list[Change] = []
    for change in sorted(changes, key=_rank):
        if any(_overlap(one, other) for one in change.edits for other in taken):
            waiting.append(change)
        else:
            taken += change.edits
            made.append(change)
    return made, waiting


def apply_changes(text: str, changes: Sequence[Change]) -> str:
    """The text with all changes made; they must not overlap.

    Raises:
        ValueError: They overlap, or one is outside the text.
    """
    edits = sorted((edit for change in changes for edit in change.edits), key=_place)
    parts: list[str] = []
    end = 0
    for edit in edits:
        if edit.start < end or edit.end < edit.start or edit.end > len(text):
            raise ValueError(f"The edit at {edit.start} overlaps another or leaves the text.")
        parts += (text[end : edit.start], edit.text)
        end = edit.end
    return "".join([*parts, text[end:]])


def _rank(change: Change) -> tuple[int, int, str, int]:
    start = min(edit.start for edit in change.edits)
    end = max(edit.end for edit in change.edits)
    return start, -end, change.rule, change.line


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _overlap(one: Edit, other: Edit) -> bool:
    if one == other:
        return True  # Two changes that both add an import, say; the second finds it there.
    if one.start == one.end or other.start == other.end:
        inner, outer = (one, other) if one.start == one.end else (other, one)
        return outer.start < inner.start < outer.end
    return one.start < other.end and other.start < one.end
