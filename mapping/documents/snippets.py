"""The programs of the documents: before, after, and what the latter print.

They are files of `mapping/snippets`: `twilio_room.js` is the program of the page `twilio/room.md`
as it was, `twilio_room.py` the one that replaces it, `twilio_room_native.py` the same in the words
of `acs_core`, and `twilio_room.txt` what each of these prints. The first line of the docstring is
their caption. Tests run all of them against a real service.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["SNIPPETS", "Program", "Snippet", "load_snippets"]

SNIPPETS: Final = Path(__file__).parent.parent / "snippets"
_NATIVE: Final = "_native"


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program.

    Attributes:
        file: Its name.
        caption: What it shows, in a sentence.
        text: The program without its docstring.
    """

    file: str
    caption: str
    text: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """One subject in several programs.

    Attributes:
        before: The program that exists, in JavaScript; empty when there is none.
        after: The program that replaces it.
        native: The same in the words of `acs_core`, where that is another program.
        output: What each of these prints.
    """

    before: str
    after: Program
    native: Program | None
    output: str


def load_snippets(folder: Path = SNIPPETS) -> Mapping[str, Snippet]:
    """All of a folder, by name: `twilio_room`.

    Raises:
        ValueError: A program has no docstring, or nothing says what it prints.
    """
    found: dict[str, Snippet] = {}
    for path in sorted(folder.glob("*.py")):
        name = path.stem
        if name == "__init__" or name.endswith(_NATIVE):
            continue
        before, output = path.with_suffix(".js"), path.with_suffix(".txt")
        native = path.with_name(f"{name}{_NATIVE}.py")
        if not output.is_file():
            raise ValueError(f"{output.name} is missing: what {path.name} prints.")
        found[name] = Snippet(
            before.read_text(encoding="utf-8") if before.is_file() else "",
            _program(path),
            _program(native) if native.is_file() else None,
            output.read_text(encoding="utf-8"),
        )
    return found


def _program(path: Path) -> Program:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    caption = ast.get_docstring(tree)
    if not caption:
        raise ValueError(f"{path.name} has no docstring.")
    end = tree.body[0].end_lineno or 0
    return Program(path.name, caption, "\n".join(text.split("\n")[end:]).strip("\n") + "\n")
