"""Functions, classes, loops and the expressions that hand values through."""

from __future__ import annotations

from mapping.sources.js_members import options
from mapping.sources.js_names import bind_pattern
from mapping.sources.js_scopes import Analysis, Binding, Scope, visits
from mapping.sources.js_tree import Node
from mapping.sources.js_types import annotation, type_of
from mapping.sources.uses import Api
from mapping.sources.values import Kind, Value, awaited, item_of, join, likely, local, parts

__all__: list[str] = []


@visits("arrow_function", "function_expression", "function", "generator_function")
def _function(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    function = analysis.function_of(node)
    inner = analysis.scope_of(node, scope)
    inner.function = function
    analysis.visit(node.first("type_parameters"), inner)
    parameters = node.field("parameters") or node.field("parameter")
    if parameters is not None and parameters.kind == "formal_parameters":
        listed = parameters.children
    else:
        listed = [parameters] if parameters is not None else []
    _parameters(analysis, [each for each in listed if each.kind != "comment"], inner)
    returned = node.field("return_type")
    if returned is not None and returned.children:
        function.returns(type_of(analysis, returned.children[0], scope))
    body = node.field("body")
    value = analysis.visit(body, inner)
    if body is not None and body.kind != "statement_block":
        function.returns(_returned(value))
    return local(function.key)


def _returned(value: Value | None) -> Value | None:
    return None if value is not None and value.kind is Kind.LOCAL else value


def _parameters(analysis: Analysis, listed: list[Node], scope: Scope) -> None:
    given = scope.function.arguments if scope.function is not None else []
    for index, each in enumerate(listed):
        passed = given[index] if index < len(given) else None
        if each.kind not in ("required_parameter", "optional_parameter"):
            bind_pattern(analysis, each, passed, scope)
            continue
        declared = annotation(analysis, each, scope)
        pattern = next(
            (
                child
                for child in each.children
                if child.kind not in ("accessibility_modifier", "override_modifier", "decorator")
                and child.kind != "readonly"
            ),
            None,
        )
        value = declared or passed
        default = each.field("value")
        if default is not None:
            value = join(value, analysis.visit(default, scope))
        if pattern is None:
            continue
        bind_pattern(analysis, pattern, value, scope)
        is_property = each.first("accessibility_modifier") is not None or each.has_token("readonly")
        if is_property and scope.this is not None and pattern.kind == "identifier":
            analysis.bind(scope.this.path(analysis.text_of(pattern)), value)


@visits("function_declaration", "generator_function_declaration")
def _declared(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    name = node.field("name")
    value = _function(analysis, node, scope)
    if name is not None:
        analysis.bind(scope.declare(analysis.text_of(name)), value)
    return value


@visits("class_declaration", "class", "abstract_class_declaration")
def _class(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    inner = analysis.scope_of(node, scope)
    if inner.this is scope.this or inner.this is None:
        inner.this = Binding()
    for child in node.children:
        if child.kind == "class_body":
            for each in child.children:
                _class_member(analysis, each, inner)
        else:
            analysis.visit(child, scope)
    return None


def _class_member(analysis: Analysis, node: Node, scope: Scope) -> None:
    name = node.field("name") or node.first("property_identifier")
    if name is None or scope.this is None:
        analysis.visit(node, scope)
        return
    place = scope.this.path(analysis.text_of(name))
    if node.kind == "method_definition":
        if node.has_token("get"):
            _function(analysis, node, scope)
            analysis.bind(place, analysis.function_of(node).result)
        else:
            analysis.bind(place, _function(analysis, node, scope))
        return
    content = node.field("value")
    declared = annotation(analysis, node, scope)
    if content is not None and declared is not None:
        options(analysis, content, declared, scope)
    if content is not None and content.kind == "object":
        place.literal = content
    analysis.bind(place, join(declared, analysis.visit(content, scope)))
    for child in node.children:
        if child.kind == "decorator":
            analysis.visit(child, scope)


@visits("method_definition")
def _method(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    return _function(analysis, node, scope)


@visits("statement_block", "switch_body", "catch_clause")
def _block(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    inner = analysis.scope_of(node, scope)
    inner.function = scope.function
    inner.this = scope.this
    for child in node.children:
        analysis.visit(child, inner)
    return None


@visits("variable_declaration")
def _var(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """`var` belongs to the function."""
    outer = scope
    while outer.parent is not None and outer.parent.function is outer.function:
        outer = outer.parent
    analysis.visit_children(node, outer if outer.parent is not None else analysis.root)
    return None


@visits("return_statement")
def _return(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    value = analysis.visit(node.children[0], scope) if node.children else None
    if scope.function is not None:
        scope.function.returns(_returned(value))
    return None


@visits("for_in_statement")
def _for(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    inner = analysis.scope_of(node, scope)
    inner.function, inner.this = scope.function, scope.this
    left, right, body = node.field("left"), node.field("right"), node.field("body")
    value = analysis.visit(right, inner)
    item: Value | None = None
    if node.has_token("of"):
        for part in parts(value):
            item = join(item, _each(part))
    if left is not None:
        declares = any(node.has_token(word) for word in ("const", "let", "var"))
        bind_pattern(analysis, left, item, inner, declares=declares)
    analysis.visit(body, inner)
    return None


def _each(value: Value) -> Value | None:
    """What `for…of` gives: of a map, pairs."""
    item = item_of(value)
    if item is None or item.kind is Kind.TEXT:
        return item
    item = likely(item, "item of a collection")
    if value.kind is Kind.MAP and item is not None:
        return Value(item.api, Kind.PAIR, items=(Value(Api.BROWSER, Kind.RECORD), item))
    return item


@visits("await_expression")
def _await(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    return awaited(analysis.visit(node.children[0], scope)) if node.children else None


@visits("parenthesized_expression", "non_null_expression", "spread_element", "yield_expression")
def _through(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    return analysis.visit(node.children[0], scope) if node.children else None


@visits("sequence_expression")
def _sequence(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    value: Value | None = None
    for child in node.children:
        value = analysis.visit(child, scope)
    return value


@visits("as_expression", "satisfies_expression")
def _as(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    value = analysis.visit(node.children[0], scope)
    declared = type_of(analysis, node.children[-1], scope) if len(node.children) > 1 else None
    if declared is not None and node.children[0].kind == "object":
        options(analysis, node.children[0], declared, scope)
    return declared or value


@visits("type_assertion")
def _assertion(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    arguments = node.first("type_arguments")
    declared = type_of(analysis, arguments.children[0], scope) if arguments else None
    value = analysis.visit(node.children[-1], scope)
    return declared or value


@visits("ternary_expression")
def _ternary(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    values = [analysis.visit(child, scope) for child in node.children]
    return join(values[1], values[2]) if len(values) > 2 else None


@visits("binary_expression")
def _binary(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    values = [analysis.visit(child, scope) for child in node.children]
    if len(values) < 2:
        return None
    if node.has_token("&&"):
        return values[-1]
    if node.has_token("||") or node.has_token("??"):
        return join(values[0], values[-1])
    return None


@visits("enum_declaration")
def _enum(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    body = node.first("enum_body")
    if body is None or not node.children:
        return None
    place = scope.declare(analysis.text_of(node.children[0]))
    for child in body.children:
        if child.kind == "enum_assignment" and len(child.children) > 1:
            value = analysis.visit(child.children[-1], scope)
            analysis.bind(place.path(analysis.text_of(child.children[0])), value)
    return None


@visits("jsx_self_closing_element", "jsx_opening_element")
def _element(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """A component of this file gets its attributes as one record."""
    fields: list[tuple[str, Value]] = []
    if node.children:
        analysis.visit(node.children[0], scope)
    for child in node.children[1:]:
        value = analysis.visit(child.children[-1], scope) if child.children else None
        if child.kind == "jsx_attribute" and value is not None and value.kind is not Kind.TEXT:
            fields.append((analysis.text_of(child.children[0]), value))
    binding = analysis.place(node.children[0], scope) if node.children else None
    if binding is not None and fields:
        given = Value(fields[0][1].api, Kind.RECORD, fields=tuple(fields))
        for part in parts(binding.value):
            if part.kind is Kind.LOCAL:
                analysis.call_local(part, [given], "property of a component")
    return None


@visits("jsx_closing_element")
def _closing(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """It says again what the opening one said."""
    del analysis, node, scope
    return None


@visits("jsx_expression")
def _jsx(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    return analysis.visit(node.children[0], scope) if node.children else None
