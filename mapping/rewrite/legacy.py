"""Imports of `acs_core.legacy`, which become imports of `acs_core` once no former name is left.

The former module understands today's names as well, so the names go first, one by one; the import
follows in one change with the types that had other names. Whoever reads attributes that nobody
could tell the owner of, and that have a former name, keeps the import and is told why.

Source: acs_core.legacy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import libcst as cst

from mapping.rewrite.actions import Context, Note, change_at
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.notes import comment_change_at
from mapping.rewrite.python_syntax import PythonSyntax, dotted_name
from mapping.rewrite.rules import RewriteRule
from mapping.sources.uses import Api

__all__ = ["legacy_imports", "snake_case"]

_FORMER_MODULE: Final = "acs_core.legacy"
_TODAY: Final = "acs_core"
_TYPES: Final = {
    "HangupCallOptions": "HangUpOptions",
    "Renderer": "VideoStreamRenderer",
    "RendererOptions": "CreateViewOptions",
    "RendererView": "VideoStreamRendererView",
    "TransferToParticipant": "TransferToParticipantLocator",
}
# Members and events that only the former classes have.
_FORMER: Final = frozenset(
    {
        "api", "call", "get_camera_list", "get_media_stream_type", "get_microphone",
        "get_microphone_list", "get_permission_state", "get_source", "get_speaker",
        "get_speaker_list", "identity", "is_microphone_muted", "mirrored", "set_microphone",
        "set_permissions", "set_speaker", "type", "unhold",
    }
)  # fmt: skip
_FORMER_EVENTS: Final = frozenset(
    {
        "availabilityChanged", "callEnded", "callIdChanged", "callStateChanged",
        "participantStateChanged", "permissionStateChanged", "transferRequested",
        "transferStateChanged",
    }
)  # fmt: skip


def legacy_imports(context: Context, rule: RewriteRule) -> Iterator[Change]:
    """The change of each import of the former module, or a note that says what keeps it."""
    syntax = context.syntax
    assert isinstance(syntax, PythonSyntax)
    for node, start, end in syntax.imports():
        edits = _import_edits(syntax, node)
        if not edits:
            continue
        kept = sorted({*_left_names(context, syntax), *_left_types(syntax, node)})
        if kept:
            note = Note(f"{rule.note} {', '.join(kept)}.")
            made = comment_change_at(syntax, start, rule, note)
            if made is not None:
                yield made
            continue
        statement = " ".join(syntax.text[start:end].split())
        summary = f"{statement} imports {_TODAY}"
        yield change_at(syntax.text, start, rule, summary, sorted(edits))


def _import_edits(syntax: PythonSyntax, node: cst.Import | cst.ImportFrom) -> list[Edit]:
    """What changes with one statement, the uses of renamed types included."""
    if isinstance(node, cst.ImportFrom):
        module = _module_of(node)
        if module == _FORMER_MODULE and node.module is not None:
            edits = [Edit(*syntax.span_of(node.module), _TODAY)]
            return [*edits, *_renamed_types(syntax, node)]
        names = [] if isinstance(node.names, cst.ImportStar) else list(node.names)
        is_module = [dotted_name(one.name) for one in names] == ["legacy"]
        if module == _TODAY and is_module:
            local = _local(names[0])
            edits = [Edit(*syntax.span_of(node), f"import {_TODAY} as {local}")]
            return [*edits, *_renamed_members(syntax, local)]
        return []
    for one in node.names:
        if dotted_name(one.name) == _FORMER_MODULE:
            local = _local(one)
            edits = [Edit(*syntax.span_of(one.name), _TODAY)]
            if one.asname is None:
                used = (n for n in syntax.attributes() if dotted_name(n) == _FORMER_MODULE)
                edits += [Edit(*syntax.span_of(each), _TODAY) for each in used]
            return [*edits, *_renamed_members(syntax, local)]
    return []


def _renamed_types(syntax: PythonSyntax, node: cst.ImportFrom) -> Iterator[Edit]:
    if isinstance(node.names, cst.ImportStar):
        return
    for one in node.names:
        former = dotted_name(one.name)
        if former not in _TYPES:
            continue
        if one.asname is not None:
            yield Edit(*syntax.span_of(one.name), _TYPES[former])
            continue
        for start, end in syntax.places_of(former):
            yield Edit(start, end, _TYPES[former])
            if former == "RendererOptions":
                yield from _mirrored(syntax, start, end)


def _renamed_members(syntax: PythonSyntax, local: str) -> Iterator[Edit]:
    for node in syntax.attributes():
        former = node.attr.value
        if former in _TYPES and dotted_name(node.value) == local:
            start, end = syntax.span_of(node.attr)
            yield Edit(start, end, _TYPES[former])
            if former == "RendererOptions":
                yield from _mirrored(syntax, start, end)


def _mirrored(syntax: PythonSyntax, start: int, end: int) -> Iterator[Edit]:
    """The option `mirrored` of a call of `RendererOptions`."""
    call = syntax.call_of(start, end)
    for one in call.arguments if call is not None else ():
        if one.name == "mirrored":
            yield Edit(one.start, one.start + len(one.name), "is_mirrored")


def _left_types(syntax: PythonSyntax, node: cst.Import | cst.ImportFrom) -> Iterator[str]:
    """What is imported, or reached through an imported module, and today's module has not."""
    import acs_core

    if isinstance(node.names, cst.ImportStar):
        yield "import *"
        return
    if isinstance(node, cst.ImportFrom) and _module_of(node) == _FORMER_MODULE:
        names = [dotted_name(one.name) for one in node.names]
    else:
        locals_ = {_local(one) for one in node.names if "legacy" in dotted_name(one.name)}
        attributes = syntax.attributes()
        names = [one.attr.value for one in attributes if dotted_name(one.value) in locals_]
    for name in names:
        if name not in _TYPES and name not in acs_core.__all__:
            yield name


def _module_of(node: cst.ImportFrom) -> str:
    return "" if node.module is None else dotted_name(node.module)


def _left_names(context: Context, syntax: PythonSyntax) -> Iterator[str]:
    """Members and events with former names that are not known to be of something else."""
    others = {
        use.span.start
        for use in context.uses
        if use.api is not Api.ACS_CORE or _is_today(use.symbol)
    }
    for node in syntax.attributes():
        name = node.attr.value
        if name in _FORMER and syntax.span_of(node.attr)[0] not in others:
            yield name
    for text in syntax.strings():
        if text in _FORMER_EVENTS:
            yield repr(text)


def _is_today(symbol: str) -> bool:
    """Whether a member with a former name is one of today's, as a participant's `type`."""
    import acs_core

    owner, _, member = symbol.rpartition(".")
    kind = getattr(acs_core, owner, None) if owner.isidentifier() else None
    return kind is not None and hasattr(kind, snake_case(member))


def snake_case(name: str) -> str:
    """The Python spelling of a vendor's name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _local(name: cst.ImportAlias) -> str:
    asname = name.asname
    if asname is not None and isinstance(asname.name, cst.Name):
        return asname.name.value
    return dotted_name(name.name)
