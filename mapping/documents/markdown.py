"""Pieces of Markdown: cells that cannot break a table, code, anchors, links between documents."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = [
    "Column",
    "anchor",
    "bullet",
    "cell",
    "code",
    "codes",
    "fence",
    "href",
    "slug",
    "table",
    "typed_table",
]

T = TypeVar("T")

_CODE: Final = re.compile(r"(`[^`]*`)")
_ELEMENT: Final = re.compile(r"<(?!a id=|/a>|br>)")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table of things.

    Attributes:
        title: Its head.
        text: What a thing has there, as Markdown; empty where it has nothing.
    """

    title: str
    text: Callable[[T], str]


def cell(text: str) -> str:
    """A text that stays in its cell: bars and elements of HTML are escaped, lines joined.

    Only places to link to and line breaks, which documents are made with, stay elements.
    """
    parts = _CODE.split(" ".join(text.split()).replace("|", "\\|"))
    return "".join(
        part if place % 2 else _ELEMENT.sub("&lt;", part) for place, part in enumerate(parts)
    )


def code(text: str) -> str:
    """A text as code; empty for an empty one."""
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str], between: str = ", ") -> str:
    """Several texts as code."""
    return between.join(code(text) for text in texts)


def slug(text: str) -> str:
    """A text as part of an address: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def anchor(name: str) -> str:
    """A place to link to.

    Args:
        name: Of the place, within its document.
    """
    return f'<a id="{name}"></a>'


def href(source: str, target: str, fragment: str = "") -> str:
    """The address of one document in another.

    Args:
        source: Path of the document that links, below `mapping/docs`.
        target: Path of the one that is linked to.
        fragment: Name of an anchor in it.
    """
    relative = posixpath.relpath(target, posixpath.dirname(source) or ".")
    if source == target:
        relative = ""
    return f"{relative}#{fragment}" if fragment else relative


def bullet(texts: Iterable[str]) -> list[str]:
    """A list, a line each."""
    return [f"* {text}" for text in texts]


def fence(language: str, text: str) -> list[str]:
    """A block of code."""
    return [f"```{language}", text.rstrip("\n"), "```"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, a line each."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(cell(text) for text in row) + " |" for row in rows),
    ]


def typed_table(columns: Sequence[Column[T]], things: Sequence[T]) -> list[str]:
    """A table of things; columns in which none has anything, or all "none", are left out."""
    texts = [[column.text(thing) for column in columns] for thing in things]
    used = [place for place in range(len(columns)) if {row[place] for row in texts} - {"", "none"}]
    head = [columns[place].title for place in used]
    return table(head, [[row[place] for place in used] for row in texts])
