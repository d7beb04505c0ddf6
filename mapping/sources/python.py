"""Reads Python: where a program uses our packages, Twilio's helper or Azure's clients.

The standard library's parser is enough: its positions are exact, nothing is written back through
the tree (the codemod edits ranges), and it is many times faster than a lossless one. Names are
reported in the vendor's spelling, so `room.local_participant` and `room.localParticipant` are both
`Room.localParticipant`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Final

from mapping.sources.js_tree import Lines
from mapping.sources.py_reader import Reader
from mapping.sources.uses import SourceFile, Span

__all__ = ["SUFFIXES", "could_use", "imports_of", "read"]

SUFFIXES: Final = frozenset({".py", ".pyi"})

_MARKS: Final = re.compile(
    r"twilio|acs_core|azure\.communication|azure import communication|videosdk"
)
_IMPORTS: Final = re.compile(r"^\s*(?:from\s+([.\w]+)\s+import|import\s+([\w.]+))", re.MULTILINE)
_MAX_WALKS: Final = 6


def could_use(text: str) -> bool:
    """Whether the text mentions any SDK at all; cheap, and sure when False."""
    return _MARKS.search(text) is not None


def imports_of(text: str) -> frozenset[str]:
    """Modules that the text imports, as written; also those of packages."""
    return frozenset(one or other for one, other in _IMPORTS.findall(text))


def read(
    path: str, text: str, *, modules: Mapping[str, Mapping[str, str]] | None = None
) -> SourceFile:
    """Find the uses in one file.

    Args:
        path: With `/`.
        text: Its content.
        modules: For modules of the program itself, as imported, what they export
            (`SourceFile.exports`).

    Returns:
        The uses; a text that is no Python of today has a `problem` and no uses. Nothing is raised
        for any text.
    """
    known = modules or {}
    if not could_use(text) and not any(known.values()):
        return SourceFile(path, ())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, SyntaxError) and error.lineno:
            return SourceFile(path, (), f"not Python: line {error.lineno}: {error.msg}")
        return SourceFile(path, (), f"not Python: {str(error)[:80]}")
    reader = Reader(Positions(text), known)
    try:
        for _ in range(_MAX_WALKS):
            before = reader.changes
            reader.module(tree)
            if reader.changes == before:
                break
        reader.uses.is_recording = True
        reader.module(tree)
    except RecursionError:
        return SourceFile(path, (), "nested too deeply")
    uses = sorted(reader.uses.found.values(), key=lambda use: (use.span.start, use.span.end))
    return SourceFile(path, tuple(uses), "", reader.described())


class Positions:
    """Turns the parser's positions, which count bytes of UTF-8, into spans."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = Lines(text)
        self._mark = len(text) - len(text.removeprefix("\ufeff"))
        body = text[self._mark :]
        self._rows = re.split("\r\n|\r|\n", body)
        self._starts = [self._mark]
        for match in re.finditer("\r\n|\r|\n", body):
            self._starts.append(match.end() + self._mark)

    def offset(self, line: int, column: int) -> int:
        """The offset of a position."""
        if line > len(self._rows):
            return len(self.text)
        row = self._rows[line - 1]
        if not row.isascii():
            column = len(row.encode()[:column].decode("utf-8", "ignore"))
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.alias | ast.arg) -> Span:
        """The span of a node."""
        return self.between(*self.bounds(node))

    def bounds(
        self, node: ast.expr | ast.stmt | ast.keyword | ast.alias | ast.arg
    ) -> tuple[int, int]:
        """The offsets of a node's first character and behind its last."""
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return self.offset(node.lineno, node.col_offset), end

    def between(self, start: int, end: int) -> Span:
        """The span between two offsets."""
        return self._lines.span(start, end)
