"""What an edit has to know of the text around a use, in terms that both languages share.

`mapping.sources` says which names are used where; here is what surrounds them: calls and their
arguments, statements, whether `await` is allowed. `python_syntax` and `javascript_syntax` answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final, Protocol

from mapping.rewrite.edits import Edit

__all__ = [
    "Argument",
    "Call",
    "Language",
    "NameRole",
    "Place",
    "Syntax",
    "UnparsableTextError",
    "language_of",
    "parse",
]


class UnparsableTextError(ValueError):
    """A text is not in the language of its file."""


class Language(StrEnum):
    """What a text is written in, as the parsers call it."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    TSX = "tsx"


_LANGUAGES: Final = {
    ".py": Language.PYTHON,
    ".pyi": Language.PYTHON,
    ".js": Language.JAVASCRIPT,
    ".jsx": Language.JAVASCRIPT,
    ".mjs": Language.JAVASCRIPT,
    ".cjs": Language.JAVASCRIPT,
    ".ts": Language.TYPESCRIPT,
    ".mts": Language.TYPESCRIPT,
    ".cts": Language.TYPESCRIPT,
    ".tsx": Language.TSX,
    ".html": Language.JAVASCRIPT,
    ".htm": Language.JAVASCRIPT,
    ".vue": Language.JAVASCRIPT,
    ".svelte": Language.JAVASCRIPT,
}


class NameRole(StrEnum):
    """How a name stands in its text.

    `PLAIN`: it can be replaced as it is. `SHORTHAND`: it is key and value at once, `{ name }`.
    `TAKEN`: it is taken out of an object by its name, `const { name } = object`. `IMPORTED`: it is
    imported and stands for itself in the rest of the text. `REQUIRED`: the same by `require`, as in
    `const { name } = require("module")`. `RENAMED`: it is imported or exported under
    another name. `EXPORTED`: it is exported as it is.
    """

    PLAIN = "plain"
    SHORTHAND = "shorthand"
    TAKEN = "taken"
    IMPORTED = "imported"
    REQUIRED = "required"
    RENAMED = "renamed"
    EXPORTED = "exported"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call.

    Attributes:
        start: Offset of its first character, the keyword of a keyword argument included.
        end: Offset behind its last one.
        name: Of a keyword argument; empty otherwise.
        is_spread: Whether it stands for any number of arguments.
    """

    start: int
    end: int
    name: str = ""
    is_spread: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        start: Offset of the first character of what is called.
        end: Offset behind the closing parenthesis.
        open: Offset behind the opening parenthesis.
        close: Offset of the closing one.
        arguments: In their order.
        is_awaited: Whether it is awaited right there.
        is_operand: Whether it is a part of a larger expression that `await` would not reach over,
            as in `call().member`.
    """

    start: int
    end: int
    open: int
    close: int
    arguments: tuple[Argument, ...]
    is_awaited: bool
    is_operand: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A line on which a statement begins.

    Attributes:
        start: Offset of its first character.
        indent: The white space before the statement.
        end: Offset behind the statement, without the line end.
        is_alone: Whether the statement is the only one of its lines.
    """

    start: int
    indent: str
    end: int
    is_alone: bool


class Syntax(Protocol):
    """A parsed text."""

    @property
    def language(self) -> Language:
        """What the text is written in."""

    @property
    def text(self) -> str:
        """All of it."""

    def problems(self) -> int:
        """How many places could not be understood; a text with none is right."""

    def call_of(self, start: int, end: int) -> Call | None:
        """The call whose function, or whose function's last part, is the name at a place."""

    def role_of(self, start: int, end: int) -> NameRole:
        """How the name at a place stands there."""

    def can_await(self, offset: int) -> bool:
        """Whether `await` may stand at a place."""

    def begins_statement(self, offset: int) -> bool:
        """Whether a parenthesis inserted at a place would be taken for a call of what is before."""

    def statement_at(self, offset: int) -> Place | None:
        """The innermost statement around a place that begins a line; None if none does."""

    def assigned_at(self, start: int, end: int) -> tuple[str, int] | None:
        """What the expression at a place is assigned to, and where that statement ends.

        None unless it is the whole value of a simple assignment to a name or an attribute.
        """

    def import_edits(self, module: str, names: Sequence[str]) -> list[Edit]:
        """What has to be inserted so that names of a module can be used; Python only."""

    def count_names(self, name: str) -> int:
        """How often an identifier occurs, members of that name not counted."""


def language_of(path: str) -> Language | None:
    """What a file is written in, by its name; None for others."""
    return _LANGUAGES.get(PurePath(path).suffix.lower())


def parse(path: str, text: str) -> Syntax:
    """Parse a text by the name of its file.

    Raises:
        UnparsableTextError: It is none that can be parsed.
    """
    language = language_of(path)
    if language is Language.PYTHON:
        from mapping.rewrite.python_syntax import PythonSyntax

        return PythonSyntax(text)
    if language is None:
        raise UnparsableTextError(f"{path} is neither Python nor JavaScript")
    from mapping.rewrite.javascript_syntax import JavaScriptSyntax

    is_page = PurePath(path).suffix.lower() in (".html", ".htm", ".vue", ".svelte")
    return JavaScriptSyntax(text, language, is_page=is_page)
