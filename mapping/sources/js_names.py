"""Names, declarations and patterns of JavaScript."""

from __future__ import annotations

import re

from mapping.sources.js_imports import module_member, note_import
from mapping.sources.js_members import member, options
from mapping.sources.js_scopes import Analysis, Binding, Scope, visits
from mapping.sources.js_tree import Node
from mapping.sources.js_types import annotation
from mapping.sources.uses import Api, Confidence, UseKind
from mapping.sources.values import Kind, Value, item_of, join, likely, parts

__all__ = ["bind_pattern"]

_LITERAL = frozenset(
    {
        "object",
        "call_expression",
        "as_expression",
        "satisfies_expression",
        "ternary_expression",
        "binary_expression",
    }
)
"""Expressions that a bag of options may be written as."""
_HELPER_NAME = re.compile(r"_?twil+io(?:_?[cC]lient)?")
_HELPER = Value(
    Api.TWILIO_HELPER,
    Kind.INSTANCE,
    "Client",
    confidence=Confidence.LIKELY,
    why="its name is that of a client of Twilio's helper",
    is_hint=True,
)


def hint_of(analysis: Analysis, name: str) -> Value | None:
    """What a name that nothing else is known of suggests."""
    if not analysis.is_resolving:
        return None
    return analysis.hints.get(name) or (_HELPER if _HELPER_NAME.fullmatch(name) else None)


@visits("identifier")
def _identifier(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    name = analysis.text_of(node)
    binding = scope.find(name)
    if binding is not None and binding.value is not None:
        value = binding.value
        for part in parts(value):
            if part.kind in (Kind.FUNCTION, Kind.CLASS) and not _is_declared(node):
                span = analysis.span(node)
                analysis.record(part, part.name, UseKind.VALUE, span, span)
        return value
    made = analysis.global_of(name, scope)
    if made is not None:
        _note_global(analysis, made, node, name)
        return made
    return hint_of(analysis, name)


def _is_declared(node: Node) -> bool:
    return node.parent is not None and node.parent.kind in (
        "import_specifier",
        "import_clause",
        "namespace_import",
        "export_specifier",
    )


def _note_global(analysis: Analysis, value: Value, node: Node, name: str) -> None:
    analysis.apis.add(value.api)
    span = analysis.span(node)
    analysis.record(value, "*", UseKind.IMPORT, span, span, module=name)


@visits("this")
def _this(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    return scope.this.value if scope.this is not None else None


@visits("member_expression")
def _member(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    if len(node.children) < 2:
        return None
    name_node = node.children[-1]
    name = analysis.text_of(name_node)
    whole = analysis.text_of(node)
    if len(whole) < 60:
        value = analysis.global_of(whole, scope)
        if value is not None:
            _note_global(analysis, value, node, whole)
            return value
    base = analysis.visit(node.children[0], scope)
    own = analysis.place(node, scope)
    held = own.value if own is not None else None
    result = member(analysis, base, name, analysis.span(name_node), analysis.span(node))
    return join(held, result) or (hint_of(analysis, name) if base is None else None)


@visits("subscript_expression")
def _subscript(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    base = analysis.visit(node.children[0], scope) if node.children else None
    for child in node.children[1:]:
        analysis.visit(child, scope)
    text = analysis.string_of(node.children[-1]) if len(node.children) > 1 else None
    if text is not None:
        span = analysis.lines.span(text[1], text[1] + len(text[0]))
        return member(analysis, base, text[0], span, analysis.span(node))
    at = analysis.text_of(node.children[-1])
    held = item_of(base)
    for part in parts(base):
        if part.kind is Kind.PAIR and at.isdecimal() and int(at) < len(part.items):
            held = join(held, part.items[int(at)])
    return likely(held, "item of a collection")


def bind_pattern(
    analysis: Analysis,
    pattern: Node,
    value: Value | None,
    scope: Scope,
    *,
    declares: bool = True,
    whole: Node | None = None,
) -> None:
    """Give the names of a pattern what the parts of a value are."""
    match pattern.kind:
        case "identifier" | "shorthand_property_identifier_pattern":
            name = analysis.text_of(pattern)
            binding = scope.declare(name) if declares else scope.find(name)
            if binding is None:
                binding = analysis.root.declare(name)
            analysis.bind(binding, value)
        case "object_pattern":
            for child in pattern.children:
                _bind_property(analysis, child, value, scope, declares, whole or pattern)
        case "array_pattern":
            _bind_items(analysis, pattern, value, scope, declares)
        case "assignment_pattern" | "object_assignment_pattern":
            default = analysis.visit(pattern.children[-1], scope)
            given = join(value, default)
            bind_pattern(analysis, pattern.children[0], given, scope, declares=declares)
        case "rest_pattern" if pattern.children:
            bind_pattern(analysis, pattern.children[0], None, scope, declares=declares)
        case "member_expression":
            place = analysis.place(pattern, scope, makes=True)
            analysis.visit(pattern, scope)
            if place is not None:
                analysis.bind(place, value)
                if whole is not None and whole.kind in _LITERAL:
                    place.literal = whole
        case _:
            analysis.visit(pattern, scope)


def _bind_property(
    analysis: Analysis,
    child: Node,
    value: Value | None,
    scope: Scope,
    declares: bool,
    whole: Node,
) -> None:
    if child.kind == "rest_pattern":
        bind_pattern(analysis, child, None, scope, declares=declares)
        return
    if child.kind not in (
        "shorthand_property_identifier_pattern",
        "pair_pattern",
        "object_assignment_pattern",
    ):
        return
    key = child if not child.children else child.children[0]
    name = analysis.text_of(key).strip("'\"")
    given: Value | None = None
    if value is not None and value.kind is Kind.MODULE:
        note_import(analysis, value, name, key, whole, value.name)
        given = module_member(value, name)
    elif value is not None:
        given = member(analysis, value, name, analysis.span(key), analysis.span(child))
    else:
        given = _taken_from_global(analysis, key, name, whole, scope)
    if child.kind == "object_assignment_pattern":
        given = join(given, analysis.visit(child.children[-1], scope))
        bind_pattern(analysis, key, given, scope, declares=declares)
    elif child.kind == "pair_pattern":
        bind_pattern(analysis, child.children[-1], given, scope, declares=declares)
    else:
        bind_pattern(analysis, child, given, scope, declares=declares)


def _taken_from_global(
    analysis: Analysis, key: Node, name: str, whole: Node, scope: Scope
) -> Value | None:
    """What `const { Video } = Twilio` takes from the object that a script element makes."""
    content = whole.field("value") if whole.kind == "variable_declarator" else whole
    if content is None or content.kind not in ("identifier", "member_expression"):
        return None
    full = f"{analysis.text_of(content)}.{name}"
    value = analysis.global_of(full, scope)
    if value is not None:
        _note_global(analysis, value, key, full)
    return value


def _bind_items(
    analysis: Analysis, pattern: Node, value: Value | None, scope: Scope, declares: bool
) -> None:
    for index, child in enumerate(pattern.children):
        given: Value | None = None
        for part in parts(value):
            if part.kind is Kind.PAIR and index < len(part.items):
                given = join(given, part.items[index])
            elif part.kind is Kind.ARRAY:
                given = join(given, likely(part.items[0], "item of a collection"))
        bind_pattern(analysis, child, given, scope, declares=declares)


@visits("variable_declarator")
def _declarator(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    if not node.children:
        return None
    pattern = node.children[0]
    content = node.field("value")
    declared = annotation(analysis, node, scope)
    if declared is not None and declared.kind is Kind.METHOD and content is not None:
        _component(analysis, content, declared)
        declared = None
    if content is not None and declared is not None and content.kind in ("object", "array"):
        options(analysis, content, declared, scope)
    value = analysis.visit(content, scope)
    if pattern.kind == "array_pattern" and content is not None and _is_state(analysis, content):
        _bind_state(analysis, pattern, join(declared, value), scope)
        return None
    if pattern.kind == "identifier" and content is not None and content.kind == "this":
        if scope.this is not None:
            scope.names[analysis.text_of(pattern)] = scope.this
        return None
    if pattern.kind == "identifier" and content is not None and content.kind in _LITERAL:
        scope.declare(analysis.text_of(pattern)).literal = content
    bind_pattern(analysis, pattern, join(declared, value), scope, whole=node)
    return None


def _component(analysis: Analysis, content: Node, declared: Value) -> None:
    if content.kind in ("arrow_function", "function_expression") and declared.items:
        analysis.function_of(content).receives([declared.items[0]])


def _is_state(analysis: Analysis, content: Node) -> bool:
    callee = content.field("function") if content.kind == "call_expression" else None
    return callee is not None and analysis.text_of(callee).rpartition(".")[2] == "useState"


def _bind_state(analysis: Analysis, pattern: Node, value: Value | None, scope: Scope) -> None:
    names = [child for child in pattern.children if child.kind == "identifier"]
    if not names:
        return
    held = scope.declare(analysis.text_of(names[0]))
    analysis.bind(held, value)
    if len(names) > 1:
        scope.declare(analysis.text_of(names[1])).sets = held


@visits("assignment_expression")
def _assignment(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    if len(node.children) < 2:
        return None
    target, content = node.children[0], node.children[-1]
    value = analysis.visit(content, scope)
    if analysis.text_of(target) in ("module.exports", "exports.default"):
        _export_assigned(analysis, content, value, scope)
    elif analysis.text_of(target).startswith(("exports.", "module.exports.")):
        if value is not None:
            analysis.exports[analysis.text_of(target).rpartition(".")[2]] = value
        return value
    bind_pattern(analysis, target, value, scope, declares=False, whole=content)
    return value


def _export_assigned(analysis: Analysis, content: Node, value: Value | None, scope: Scope) -> None:
    if value is not None and not (value.kind is Kind.RECORD and not value.name):
        analysis.exports["default"] = value
    if content.kind != "object":
        return
    for child in content.children:
        if child.kind == "shorthand_property_identifier":
            binding: Binding | None = scope.find(analysis.text_of(child))
            if binding is not None and binding.value is not None:
                analysis.exports[analysis.text_of(child)] = binding.value
    if value is not None and value.kind is Kind.RECORD:
        for name, each in value.fields:
            analysis.exports[name] = each


@visits("object")
def _object(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    fields: list[tuple[str, Value]] = []
    for child in node.children:
        value: Value | None = None
        name = ""
        if child.kind == "pair" and len(child.children) > 1:
            name = analysis.text_of(child.children[0]).strip("'\"")
            if child.children[0].kind == "computed_property_name":
                analysis.visit(child.children[0], scope)
            value = analysis.visit(child.children[-1], scope)
        elif child.kind == "shorthand_property_identifier":
            name = analysis.text_of(child)
            value = _identifier(analysis, child, scope)
        else:
            analysis.visit(child, scope)
        if value is not None:
            fields.append((name, value))
    api = fields[0][1].api if fields else Api.BROWSER
    return Value(api, Kind.RECORD, fields=tuple(fields)) if fields else None


@visits("array")
def _array(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    held: Value | None = None
    for child in node.children:
        value = analysis.visit(child, scope)
        held = join(held, item_of(value) if child.kind == "spread_element" else value)
    return Value(held.api, Kind.ARRAY, items=(held,)) if held is not None else None


@visits("string", "template_string")
def _string(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    analysis.visit_children(node, scope)
    text = analysis.string_of(node)
    if text is None or len(text[0]) > 60:
        return None
    return Value(Api.BROWSER, Kind.TEXT, text[0], start=text[1])
