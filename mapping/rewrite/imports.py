"""Imports of Python programs: from a module of Twilio's shape to `twilio_compat`.

There is no Twilio Video for Python, so what programs import is a module of their own that has
Twilio's names. Only the statement that imports it changes: `twilio_compat` has the same names in
the same spelling, and what the module was called in the text it is still called.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Final

import libcst as cst

from mapping.rewrite.actions import Context, Note, change_at
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.notes import comment_change_at
from mapping.rewrite.python_syntax import PythonSyntax, dotted_name
from mapping.rewrite.rules import RewriteRule

__all__ = ["TWILIO_MODULES", "twilio_imports"]

TWILIO_MODULES: Final = ("twilio.video", "twilio_video", "twiliovideo")
"""Names that people give to Python modules of Twilio Video's shape."""

_OURS: Final = "twilio_compat"


def twilio_imports(context: Context, rule: RewriteRule, modules: Sequence[str]) -> Iterator[Change]:
    """The changes of imports in a text; names that `twilio_compat` has not stay where they are."""
    syntax = context.syntax
    assert isinstance(syntax, PythonSyntax)
    known = (*TWILIO_MODULES, *modules)
    for node, start, end in syntax.imports():
        if isinstance(node, cst.ImportFrom):
            edits = _from(syntax, node, known)
        else:
            edits = _import(syntax, node, known)
        if isinstance(edits, str):
            note = comment_change_at(syntax, start, rule, Note(f"{rule.note} {edits}"))
            if note is not None:
                yield note
        elif edits:
            statement = " ".join(syntax.text[start:end].split())
            yield change_at(syntax.text, start, rule, f"{statement} imports {_OURS}", edits)


def _from(syntax: PythonSyntax, node: cst.ImportFrom, known: Sequence[str]) -> list[Edit] | str:
    """`from module import names`; a text says what is in the way."""
    if node.relative or node.module is None:
        return []
    module = dotted_name(node.module)
    if _is_below(module, known):
        names = [] if isinstance(node.names, cst.ImportStar) else _names(node.names)
        missing = _missing(names, _OURS)
        if not missing:
            return [Edit(*syntax.span_of(node.module), _OURS)]
        beside = f"{_OURS}.{module.rpartition('.')[2]}"
        if module not in known and not _missing(names, beside):
            return [Edit(*syntax.span_of(node.module), beside)]
        return f"it has no {', '.join(missing)}."
    if isinstance(node.names, cst.ImportStar) or len(node.names) != 1:
        return []
    name = node.names[0]
    if f"{module}.{dotted_name(name.name)}" not in known:
        return []
    local = _alias(name) or dotted_name(name.name)
    return [Edit(*syntax.span_of(node), f"import {_OURS} as {local}")]


def _import(syntax: PythonSyntax, node: cst.Import, known: Sequence[str]) -> list[Edit] | str:
    """`import module`; one that binds only its first part has its uses renamed."""
    edits: list[Edit] = []
    for name in node.names:
        module = dotted_name(name.name)
        if module not in known:
            continue
        place = syntax.span_of(name)
        if _alias(name):
            edits.append(Edit(*syntax.span_of(name.name), _OURS))
        elif "." not in module:
            edits.append(Edit(*syntax.span_of(name.name), f"{_OURS} as {module}"))
        elif (uses := _dotted_uses(syntax, module)) is not None:
            edits += [Edit(*place, _OURS), *(Edit(*use, _OURS) for use in uses)]
        else:
            return "this form could not be changed."
    return sorted(edits)


def _dotted_uses(syntax: PythonSyntax, module: str) -> list[tuple[int, int]] | None:
    """Where `module` is used; None if its first part is used for something else, too."""
    found = [syntax.span_of(node) for node in syntax.attributes() if dotted_name(node) == module]
    is_only_use = syntax.count_names(module.partition(".")[0]) == len(found) + 1
    return found if is_only_use else None


def _names(names: Sequence[cst.ImportAlias]) -> list[str]:
    return [dotted_name(name.name) for name in names]


def _missing(names: Sequence[str], home: str) -> list[str]:
    """Which names a module of ours has not; all of them when there is no such module."""
    if importlib.util.find_spec(home) is None:
        return list(names)
    public = importlib.import_module(home).__all__
    return [name for name in names if name not in public]


def _is_below(module: str, known: Sequence[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in known)


def _alias(name: cst.ImportAlias) -> str:
    asname = name.asname
    return asname.name.value if asname is not None and isinstance(asname.name, cst.Name) else ""
