"""Type annotations of TypeScript as values."""

from __future__ import annotations

from mapping.sources.js_scopes import Analysis, Scope, visits
from mapping.sources.js_tree import Node
from mapping.sources.types import table
from mapping.sources.uses import Api, UseKind
from mapping.sources.values import FOREIGN, Kind, Value, array_of, as_sure_as, awaited, join

__all__ = ["annotation", "type_of"]

_ARRAYS = frozenset({"Array", "ReadonlyArray", "Set", "ReadonlySet", "Iterable"})
_PROMISES = frozenset({"Promise", "PromiseLike"})
_SAME = frozenset({"Partial", "Required", "Readonly", "NonNullable", "Ref", "WritableSignal"})
_REFS = frozenset({"RefObject", "MutableRefObject"})


def annotation(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """What the annotation of a declaration says."""
    found = node.first("type_annotation")
    return type_of(analysis, found.children[0] if found and found.children else None, scope)


def type_of(analysis: Analysis, node: Node | None, scope: Scope) -> Value | None:
    """The value that an expression of a type stands for."""
    if node is None:
        return None
    if node.kind in ("type_identifier", "identifier"):
        return _named(analysis, node, scope)
    if node.kind == "nested_type_identifier":
        return _nested(analysis, node, scope)
    if node.kind == "type_query":  # `typeof Video` is what the name holds, awaited if an import.
        return awaited(analysis.visit(node.children[0], scope)) if node.children else None
    if node.kind == "generic_type":
        return _generic(analysis, node, scope)
    if node.kind == "array_type":
        return array_of(type_of(analysis, node.children[0], scope))
    if node.kind in ("object_type", "interface_body"):
        return _record(analysis, node, scope)
    if node.kind in ("union_type", "intersection_type", "parenthesized_type", "readonly_type"):
        result: Value | None = None
        for child in node.children:
            result = join(result, type_of(analysis, child, scope))
        return result
    analysis.visit_children(node, scope)
    return None


def _named(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    name = analysis.text_of(node)
    binding = scope.find(name)
    value = binding.value if binding is not None else None
    if value is not None and value.kind is Kind.CLASS:
        analysis.record(value, value.name, UseKind.TYPE, analysis.span(node), analysis.span(node))
        return as_sure_as(table(value.api).value_of(value.name), value)
    return FOREIGN if value is FOREIGN else scope.find_type(name)


def _nested(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    module = analysis.dotted(analysis.text_of(node).rpartition(".")[0], scope)
    if module is None or module.kind is not Kind.MODULE:
        return None
    last = node.children[-1]
    name = analysis.text_of(last)
    analysis.record(module, name, UseKind.TYPE, analysis.span(last), analysis.span(node))
    return as_sure_as(table(module.api).value_of(name), module)


def _generic(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    name = analysis.text_of(node.children[0]).rpartition(".")[2]
    itself = type_of(analysis, node.children[0], scope)
    arguments = node.first("type_arguments")
    values = [type_of(analysis, each, scope) for each in (arguments.children if arguments else [])]
    last = next((each for each in reversed(values) if each is not None), None)
    if last is None or itself is not None:
        return itself
    if name in _PROMISES:
        return Value(last.api, Kind.PROMISE, items=(last,), confidence=last.confidence)
    if name in ("Map", "ReadonlyMap"):
        return Value(last.api, Kind.MAP, items=(last,), confidence=last.confidence)
    if name in _ARRAYS:
        return array_of(last)
    if name in _REFS:
        return Value(last.api, Kind.RECORD, fields=(("current", last),))
    if name in _SAME:
        return values[0]
    if name.endswith(("FC", "FunctionComponent", "VFC")):
        return Value(Api.BROWSER, Kind.METHOD, "component", items=(last,))
    return None


def _record(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    fields: list[tuple[str, Value]] = []
    for child in node.children:
        if child.kind == "property_signature" and child.children:
            value = annotation(analysis, child, scope)
            if value is not None:
                fields.append((analysis.text_of(child.children[0]), value))
        else:
            analysis.visit(child, scope)
    return Value(fields[0][1].api, Kind.RECORD, fields=tuple(fields)) if fields else None


@visits("type_annotation")
def _annotated(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    for child in node.children:
        type_of(analysis, child, scope)
    return None


@visits("type_identifier", "nested_type_identifier", "generic_type", "union_type", "array_type")
def _type(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    type_of(analysis, node, scope)
    return None


@visits("type_alias_declaration", "interface_declaration")
def _declaration(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    if not node.children:
        return None
    value: Value | None = None
    inner = analysis.scope_of(node, scope)
    for child in node.children[1:]:
        value = join(value, type_of(analysis, child, inner))
    if value is not None:
        scope.types[analysis.text_of(node.children[0])] = value
    return None


@visits("type_parameter")
def _parameter(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """`T extends Call = Call`: what is of that type is at least what the constraint says."""
    value: Value | None = None
    for child in node.children[1:]:
        for each in child.children:
            value = join(value, type_of(analysis, each, scope))
    if value is not None:
        scope.types[analysis.text_of(node.children[0])] = value
    return None
