"""Comments for the person who migrates: what no edit can decide.

A note stands on a line of its own above the statement that it is about, and is not put there twice.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from mapping.rewrite.actions import Note, change_at
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.rules import RewriteRule
from mapping.rewrite.syntax import Language, Syntax
from mapping.rewrite.texts import newline_of
from mapping.sources.uses import Use

__all__ = ["NOTE", "comment_change", "comment_change_at"]

NOTE: Final = re.compile(r"^[ \t]*(?:#|//) migrate [A-Z0-9-]+: ", re.MULTILINE)
"""How a note begins."""


def comment_change(syntax: Syntax, use: Use, rule: RewriteRule, note: Note) -> Change | None:
    """The change that leaves a note about a use, as sure as the use is.

    None where the note is there already, or where no comment can stand.
    """
    made = comment_change_at(syntax, use.span.start, rule, note)
    return None if made is None else replace(made, confidence=use.confidence)


def comment_change_at(syntax: Syntax, offset: int, rule: RewriteRule, note: Note) -> Change | None:
    """The change that leaves a note about a place.

    None where the note is there already, or where no comment can stand.
    """
    text = syntax.text
    place = syntax.statement_at(offset)
    if place is None:
        return None
    mark = "#" if syntax.language is Language.PYTHON else "//"
    head = f"{mark} migrate {rule.id}:"
    if any(line.startswith(head) for line in _comments_above(text, place.start)):
        return None
    comment = f"{place.indent}{head} {note.text}{newline_of(text, place.start)}"
    made = change_at(text, offset, rule, note.text, [Edit(place.start, place.start, comment)])
    return replace(made, is_note=True)


def _comments_above(text: str, offset: int) -> list[str]:
    """The comment lines right above a line, without their indentation."""
    found: list[str] = []
    for line in reversed(text[:offset].splitlines()):
        stripped = line.strip()
        if not stripped.startswith(("#", "//")):
            break
        found.append(stripped)
    return found
