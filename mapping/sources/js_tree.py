"""JavaScript and TypeScript as a tree that is cheap to walk more than once.

ast-grep parses; its nodes are copied once, because each question to them crosses a language
border, and the analysis asks the same ones in several rounds.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Final

from mapping.sources.uses import Span

if TYPE_CHECKING:
    from ast_grep_py import SgNode

__all__ = ["TEMPLATES", "Lines", "Node", "parse"]

TEMPLATES: Final = (".php", ".ejs", ".hbs", ".erb", ".cshtml", ".jsp", ".twig", ".njk", ".j2")
"""Pages that a server fills in; their scripts are read, the server's own code is not."""

_MAX_DEPTH = 400
"""Deeper nesting is generated code; Python's own recursion limit is near."""


class Node:
    """A named node of the tree, or a token that matters.

    Attributes:
        kind: As tree-sitter's grammar calls it.
        start: Offset of its first character in the whole text.
        end: Offset behind the last.
        children: Named nodes in order.
        parent: The node it is in; None for the root.
        errors: How many nodes in it the grammar does not understand.
    """

    __slots__ = (
        "_fields",
        "_sg",
        "_tokens",
        "children",
        "end",
        "errors",
        "kind",
        "parent",
        "start",
    )

    def __init__(self, sg: SgNode, offset: int, parent: Node | None, depth: int) -> None:
        range_ = sg.range()
        self._sg = sg
        self._fields: dict[str, Node | None] = {}
        self._tokens: frozenset[str] | None = None
        self.kind = sg.kind()
        self.start = range_.start.index + offset
        self.end = range_.end.index + offset
        self.parent = parent
        if depth > _MAX_DEPTH:
            raise RecursionError
        self.children: list[Node] = [
            Node(child, offset, self, depth + 1) for child in sg.named_children()
        ]
        self.errors: int = (self.kind == "ERROR") + sum([each.errors for each in self.children])

    def field(self, name: str) -> Node | None:
        """The child in a place of the grammar, as `function` of a call."""
        if name not in self._fields:
            self._fields[name] = self._find(name)
        return self._fields[name]

    def _find(self, name: str) -> Node | None:
        found = self._sg.field(name)
        if found is None:
            return None
        range_ = found.range()
        kind = found.kind()
        base = self.start - self._sg.range().start.index
        start, end = range_.start.index + base, range_.end.index + base
        for child in self.children:
            if child.start == start and child.end == end and child.kind == kind:
                return child
        return None

    def has_token(self, text: str) -> bool:
        """Whether one of its own tokens is this one, as `async` or `await`."""
        if self._tokens is None:
            self._tokens = frozenset(
                child.kind() for child in self._sg.children() if not child.is_named()
            )
        return text in self._tokens

    def first(self, kind: str) -> Node | None:
        """The first child of a kind."""
        for child in self.children:
            if child.kind == kind:
                return child
        return None


class Lines:
    """Turns offsets of a text into spans."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets."""
        line = bisect.bisect_right(self._starts, start)
        return Span(start, end, line, start - self._starts[line - 1] + 1)


def parse(text: str, language: str, offset: int = 0) -> Node:
    """The tree of a text; offsets in it are those of the text plus `offset`.

    The language is called as ast-grep does: `javascript`, `typescript` or `tsx`.

    Raises:
        RecursionError: The text is nested too deeply.
    """
    from ast_grep_py import SgRoot

    return Node(SgRoot(text, language).root(), offset, None, 0)
