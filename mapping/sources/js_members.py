"""Members, events and options of values: what a table says of them becomes uses."""

from __future__ import annotations

from mapping.sources.js_imports import module_member_default
from mapping.sources.js_scopes import Analysis, Scope
from mapping.sources.js_tree import Node
from mapping.sources.types import DECLARED_WIDER, Found, table
from mapping.sources.uses import Span, UseKind
from mapping.sources.values import FOREIGN, Kind, Value, as_sure_as, join, likely, parts

__all__ = ["event", "find_member", "key_of", "literals", "member", "options"]

GENERIC = frozenset({"id", "kind", "name", "stop", "enabled", "on", "off", "state", "label"})
"""Names that objects of the platform have too; a hint alone does not make them an API's."""


def find_member(value: Value | None, name: str) -> tuple[Value, Found] | None:
    """The first alternative that has a member, or the first that could, with `is_known` False."""
    unknown: tuple[Value, Found] | None = None
    narrower: tuple[Value, Found] | None = None
    for part in parts(value):
        if part.kind is Kind.INSTANCE:
            found = table(part.api).member(part.name, name)
        elif part.kind is Kind.CLASS:
            found = table(part.api).member(part.name, name, static=True)
        elif part.kind is Kind.RECORD and part.name:
            inner = part.field(name)
            found = Found(f"{part.name}.{name}", inner, is_known=inner is not None)
        else:
            continue
        if found.is_narrower:
            narrower = narrower or (likely(part, DECLARED_WIDER) or part, found)
        elif found.is_known:
            return part, found
        unknown = unknown or (part, found)
    return narrower or unknown


def member(
    analysis: Analysis, value: Value | None, name: str, span: Span, expression: Span
) -> Value | None:
    """The value of `value.name`, noted as a use where it is an API's."""
    result: Value | None = None
    for part in parts(value):
        if part is FOREIGN:
            result = join(result, FOREIGN)
        elif part.kind is Kind.RECORD and not part.name:
            result = join(result, as_sure_as(part.field(name), part))
        elif part.kind is Kind.MODULE and name == "default":
            result = join(result, module_member_default(part))
        elif part.kind is Kind.MODULE:
            exported = table(part.api).exported(name)
            found = exported or Value(part.api, Kind.CLASS, name)
            result = join(result, as_sure_as(found, part))
            analysis.record(part, name, UseKind.VALUE, span, expression)
    place = find_member(value, name)
    if place is None:
        return result
    owner, known = place
    if owner.kind is Kind.CLASS and not known.is_known:
        return result
    if owner.is_hint and (not known.is_known or name in GENERIC):
        return result
    kind = UseKind.OPTION if table(owner.api).is_options(owner.name) else UseKind.MEMBER
    analysis.record(owner, known.symbol, kind, span, expression)
    if known.is_method:
        items = () if known.value is None else (known.value,)
        method = Value(owner.api, Kind.METHOD, known.symbol, items=items)
        return join(result, as_sure_as(method, owner))
    return join(result, as_sure_as(known.value, owner))


def event(
    analysis: Analysis, value: Value | None, name: str, span: Span, expression: Span
) -> Found | None:
    """The event of an emitter, noted as a use; None where the value emits nothing."""
    first: tuple[Value, Found] | None = None
    for part in parts(value):
        if part.kind not in (Kind.INSTANCE, Kind.CLASS) or not table(part.api).has_events(
            part.name
        ):
            continue
        found = table(part.api).event(part.name, name)
        if first is None or (found.is_known and not first[1].is_known):
            first = part, found
    if first is None:
        return None
    owner, found = first
    if owner.is_hint and not found.is_known and not _is_near(owner, name):
        return None
    if found.is_narrower:
        owner = likely(owner, DECLARED_WIDER) or owner
    analysis.record(owner, found.symbol, UseKind.EVENT, span, expression)
    why = f"parameter of a listener of {found.symbol}"
    parameters = tuple(likely(as_sure_as(each, owner), why) for each in found.parameters)
    return Found(found.symbol, None, False, parameters, found.is_known)


def _is_near(owner: Value, name: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(name, table(owner.api).events(owner.name), 1, 0.8))


def options(analysis: Analysis, node: Node, type_: Value | None, scope: Scope) -> None:
    """Note the keys of an object literal as options of a type; nested ones too."""
    candidates = [
        part
        for part in parts(type_)
        if part.kind is Kind.INSTANCE and table(part.api).is_bag(part.name)
    ]
    for array in (part for part in parts(type_) if part.kind is Kind.ARRAY and part.items):
        if node.kind == "array":
            for child in node.children:
                options(analysis, child, as_sure_as(array.items[0], array), scope)
    records = [part for part in parts(type_) if part.kind is Kind.RECORD and part.name]
    if node.kind != "object" or not (candidates or records):
        return
    for pair in node.children:
        if pair.kind == "spread_element" and pair.children:
            for literal in literals(analysis, pair.children[0], scope):
                options(analysis, literal, type_, scope)
            place = analysis.place(pair.children[0], scope)
            if place is not None:
                for candidate in candidates:
                    analysis.bind(place, likely(candidate, "spread into options"))
        key = key_of(pair)
        if key is None:
            continue
        text = analysis.text_of(key).strip("'\"`")
        quote = 1 if key.kind == "string" else 0
        span = analysis.lines.span(key.start + quote, key.end - quote)
        inner = _option(analysis, candidates, records, text, span, analysis.span(pair))
        content = pair.field("value") if pair.kind == "pair" else pair
        for literal in literals(analysis, content, scope) if inner is not None else ():
            options(analysis, literal, inner, scope)


def literals(analysis: Analysis, node: Node | None, scope: Scope, depth: int = 4) -> list[Node]:
    """The object and array literals that an expression comes from, through names and branches."""
    if node is None or depth == 0:
        return []
    if node.kind in ("object", "array"):
        return [node]
    if node.kind in _BRANCHES:
        inner = node.children[-2:] if node.kind in _TWO else node.children[:1]
    elif node.kind == "call_expression" and analysis.text_of(node.children[0]) == "Object.assign":
        inner = node.children[-1].children
    else:
        place = analysis.place(node, scope)
        inner = [place.literal] if place is not None and place.literal is not None else []
    return [each for child in inner for each in literals(analysis, child, scope, depth - 1)]


_TWO = frozenset({"ternary_expression", "binary_expression"})
_BRANCHES = _TWO | {"as_expression", "satisfies_expression", "parenthesized_expression"}


def key_of(pair: Node) -> Node | None:
    """The name in a part of an object literal, or None where there is none to read."""
    if pair.kind == "pair" and pair.children:
        key = pair.children[0]
        return key if key.kind in ("property_identifier", "string") else None
    if pair.kind == "shorthand_property_identifier":
        return pair
    return pair.first("property_identifier") if pair.kind == "method_definition" else None


def _option(
    analysis: Analysis,
    candidates: list[Value],
    records: list[Value],
    name: str,
    span: Span,
    expression: Span,
) -> Value | None:
    for owner in candidates:
        found = table(owner.api).member(owner.name, name)
        if found.is_known:
            analysis.record(owner, found.symbol, UseKind.OPTION, span, expression)
            return as_sure_as(found.value, owner)
    for record in records:
        analysis.record(record, f"{record.name}.{name}", UseKind.OPTION, span, expression)
        return as_sure_as(record.field(name), record)
    if len(candidates) == 1 and not table(candidates[0].api).is_open(candidates[0].name):
        owner = candidates[0]
        analysis.record(owner, f"{owner.name}.{name}", UseKind.OPTION, span, expression)
    return None
