"""Calls: of an API's functions and methods, of listeners, of the language's own containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mapping.sources.js_imports import module_of
from mapping.sources.js_members import event, find_member, key_of, literals, member, options
from mapping.sources.js_react import hook_value, set_state, store
from mapping.sources.js_scopes import Analysis, Scope, visits
from mapping.sources.js_tree import Node
from mapping.sources.js_types import type_of
from mapping.sources.types import EMITTING, table
from mapping.sources.uses import Api, UseKind
from mapping.sources.values import (
    FOREIGN,
    Kind,
    Value,
    array_of,
    as_sure_as,
    awaited,
    item_of,
    join,
    likely,
    local,
    parts,
)

__all__: list[str] = []

FUNCTIONS: Final = frozenset(
    {"arrow_function", "function_expression", "function", "generator_function"}
)
_ITERATING: Final = frozenset(
    {"forEach", "map", "filter", "find", "some", "every", "flatMap", "findLast"}
)
_SAME: Final = frozenset(
    {"filter", "slice", "concat", "reverse", "sort", "values", "toArray", "flat", "splice"}
)
_ONE: Final = frozenset({"find", "get", "pop", "shift", "at", "findLast"})
_HELD: Final = "item of a collection"
_STREAMS: Final = frozenset({"getTracks", "getVideoTracks", "getAudioTracks"})


@visits("call_expression")
def _call(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    callee = node.field("function")
    arguments = node.field("arguments")
    if callee is None or arguments is None:
        return None
    nodes = [child for child in arguments.children if child.kind != "comment"]
    special = _import_call(analysis, node, callee, nodes, scope)
    if special is not None:
        return special
    values = [_peek(analysis, each, scope) for each in nodes]
    if callee.kind == "member_expression" and len(callee.children) >= 2:
        result = _method(analysis, node, callee, nodes, values, scope)
    else:
        result = _function(analysis, node, callee, nodes, values, scope)
    for each in nodes:
        if each.kind in FUNCTIONS:
            analysis.visit(each, scope)
    return result


def _peek(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """An argument; functions are entered later, when it is known what they are called with."""
    if node.kind in FUNCTIONS:
        return local(analysis.function_of(node).key)
    return analysis.visit(node, scope)


def _import_call(
    analysis: Analysis, node: Node, callee: Node, nodes: list[Node], scope: Scope
) -> Value | None:
    name = analysis.text_of(callee)
    if name not in ("require", "import") or scope.find(name) is not None or not nodes:
        return None
    text = analysis.string_of(nodes[0])
    module = module_of(analysis, text[0]) if text is not None else None
    if module is None or text is None or module is FOREIGN:
        return module
    declarator = node.parent
    if declarator is not None and declarator.kind == "await_expression":
        declarator = declarator.parent
    is_named = (
        declarator is not None
        and declarator.kind == "variable_declarator"
        and declarator.children[0].kind == "object_pattern"
    )
    if not is_named and module.kind is Kind.MODULE:
        span = analysis.lines.span(text[1], text[1] + len(text[0]))
        analysis.record(module, "*", UseKind.IMPORT, span, analysis.span(node), module=text[0])
    if name == "import":
        return Value(module.api, Kind.PROMISE, items=(module,), confidence=module.confidence)
    is_part = is_named or (declarator is not None and declarator.kind == "member_expression")
    if module.kind is Kind.RECORD and not is_part:
        # What `module.exports = it` says, unless a part of it is taken later.
        return join(module.field("default"), module)
    return module


def _function(
    analysis: Analysis,
    node: Node,
    callee: Node,
    nodes: list[Node],
    values: list[Value | None],
    scope: Scope,
) -> Value | None:
    if callee.kind == "identifier":
        name = analysis.text_of(callee)
        binding = scope.find(name)
        if binding is not None and binding.sets is not None and values:
            store(analysis, binding.sets, values[0])
            return None
        hook = hook_value(analysis, node, name, values, scope)
        if hook is not None:
            return hook
        value = binding.value if binding is not None else None
        if value is None:
            analysis.visit(callee, scope)
    else:
        value = analysis.visit(callee, scope)
    result: Value | None = None
    for part in parts(value):
        result = join(result, _called(analysis, part, callee, node, nodes, values, scope))
    return result


def _called(
    analysis: Analysis,
    value: Value,
    callee: Node,
    node: Node,
    nodes: list[Node],
    values: list[Value | None],
    scope: Scope,
) -> Value | None:
    """The result of calling one value by its name."""
    if value is FOREIGN:
        return (
            None
            if any(each is not None and each.kind is Kind.LOCAL for each in values)
            else FOREIGN
        )
    if value.kind is Kind.LOCAL:
        return analysis.call_local(value, values, "passed by a caller in this file")
    if value.kind is Kind.METHOD:
        return as_sure_as(value.items[0], value) if value.items else None
    if value.kind is Kind.FUNCTION:
        span = analysis.span(callee)
        analysis.record(value, value.name, UseKind.CALL, span, analysis.span(node))
        row = table(value.api).functions[value.name]
        parameters = [table(value.api).value_of(text) for text in row[1:]]
        _pass(analysis, nodes, parameters, value, scope)
        return as_sure_as(table(value.api).value_of(row[0]), value)
    known = table(value.api)
    if value.kind is Kind.CLASS:
        span = analysis.span(callee)
        analysis.record(value, value.name, UseKind.CALL, span, analysis.span(node))
        if value.api is not Api.VIDEOSDK:
            return None
        _hook_options(analysis, value, nodes, scope)
        return as_sure_as(known.instance(value.name), value)
    if value.kind is Kind.MODULE and value.api is Api.TWILIO_HELPER:
        return as_sure_as(known.instance("Client"), value)
    return value if value.kind is Kind.INSTANCE else None


def _hook_options(analysis: Analysis, hook: Value, nodes: list[Node], scope: Scope) -> None:
    """What a hook of React is given: `useMeeting({ onMeetingJoined })`; no table has its keys."""
    for literal in literals(analysis, nodes[0], scope) if nodes else ():
        for pair in literal.children:
            key = key_of(pair)
            if key is not None:
                symbol = f"{hook.name}.{analysis.text_of(key)}"
                span, whole = analysis.span(key), analysis.span(pair)
                analysis.record(hook, symbol, UseKind.OPTION, span, whole)


def _pass(
    analysis: Analysis,
    nodes: list[Node],
    parameters: list[Value | None] | tuple[Value | None, ...],
    origin: Value,
    scope: Scope,
) -> None:
    """Read arguments as what a function of an API takes."""
    for argument, type_ in zip(nodes, parameters, strict=False):
        type_ = as_sure_as(type_, origin)
        if type_ is None:
            continue
        for literal in literals(analysis, argument, scope):
            options(analysis, literal, type_, scope)
        place = analysis.place(argument, scope)
        if place is None:
            continue
        for part in parts(type_):
            if part.kind is Kind.INSTANCE and table(part.api).is_options(part.name):
                analysis.bind(place, likely(part, f"passed to {origin.name}"))


def _method(
    analysis: Analysis,
    node: Node,
    callee: Node,
    nodes: list[Node],
    values: list[Value | None],
    scope: Scope,
) -> Value | None:
    receiver, name_node = callee.children[0], callee.children[-1]
    name = analysis.text_of(name_node)
    own = analysis.place(callee, scope)
    base = analysis.visit(receiver, scope)
    if name in ("getUserMedia", "getDisplayMedia"):
        _capture(analysis, node, receiver, name_node, nodes)
    if own is not None and own.value is not None and own.value.kind is Kind.LOCAL:
        return analysis.call_local(own.value, values, "passed by a caller in this file")
    if own is not None and own.sets is not None and values:
        store(analysis, own.sets, values[0])
        return None
    if name == "setState" and receiver.kind == "this":
        set_state(analysis, nodes, scope)
    if base is FOREIGN:
        return _foreign_method(analysis, name, values)
    if base is None:
        return _unknown_method(analysis, node, receiver, name, values, scope)
    if name in EMITTING:
        chained = _listen(analysis, node, base, nodes, values)
        if chained is not None:
            return chained
    result: Value | None = None
    for part in parts(base):
        result = join(result, _on_container(analysis, part, name, values))
    span, expression = analysis.span(name_node), analysis.span(node)
    for part in parts(base):
        if part.kind is Kind.MODULE:
            exported = member(analysis, part, name, span, expression)
            for each in parts(exported):
                result = join(
                    result, _called(analysis, each, name_node, node, nodes, values, scope)
                )
        elif part.kind is Kind.RECORD and not part.name:
            for each in parts(as_sure_as(part.field(name), part)):
                result = join(
                    result, _called(analysis, each, name_node, node, nodes, values, scope)
                )
    return join(result, _member_call(analysis, base, name_node, node, nodes, values, scope))


def _member_call(
    analysis: Analysis,
    base: Value,
    name_node: Node,
    node: Node,
    nodes: list[Node],
    values: list[Value | None],
    scope: Scope,
) -> Value | None:
    name = analysis.text_of(name_node)
    place = find_member(base, name)
    if place is None or (place[0].is_hint and not place[1].is_known):
        return None
    owner, found = place
    if owner.kind is Kind.CLASS and not found.is_known and owner.api is not Api.VIDEOSDK:
        return None
    if owner.is_hint and name in ("stop", "on", "off"):
        return None
    analysis.record(
        owner, found.symbol, UseKind.CALL, analysis.span(name_node), analysis.span(node)
    )
    _pass(analysis, nodes, found.parameters, replace(owner, name=found.symbol), scope)
    if name in ("feature", "api") and values and values[0] is not None:
        return as_sure_as(values[0], owner)
    return as_sure_as(found.value, owner)


def _listen(
    analysis: Analysis,
    node: Node,
    base: Value,
    nodes: list[Node],
    values: list[Value | None],
) -> Value | None:
    """A registration of a listener; gives the receiver, as emitters do, or None."""
    if not nodes:
        return None
    found_any = False
    for text in parts(values[0]):
        if text.kind is not Kind.TEXT or text.start < 0:
            continue
        span = analysis.lines.span(text.start, text.start + len(text.name))
        found = event(analysis, base, text.name, span, analysis.span(node))
        if found is None:
            continue
        found_any = True
        for listener in parts(values[1]) if len(values) > 1 else ():
            if listener.kind is Kind.LOCAL:
                analysis.call_local(listener, list(found.parameters), "")
    return base if found_any else None


def _on_container(
    analysis: Analysis, value: Value, name: str, values: list[Value | None]
) -> Value | None:
    """Methods of promises, arrays, maps and functions."""
    callback = values[0] if values and values[0] is not None else None
    is_callback = callback is not None and callback.kind is Kind.LOCAL
    if value.kind is Kind.PROMISE:
        return _on_promise(analysis, value, name, callback if is_callback else None)
    if value.kind is Kind.LOCAL and name in ("bind", "call", "apply"):
        return value
    if value.kind is Kind.TEXT or not value.items or value.kind not in (Kind.ARRAY, Kind.MAP):
        return None
    item = value.items[0]
    given: Value | None = None
    if name in _ITERATING and is_callback and callback is not None:
        passed = item
        if item.kind is not Kind.TEXT:
            passed = likely(item, _HELD) or item
        given = analysis.call_local(callback, [passed], _HELD)
    if name == "reduce" and is_callback and callback is not None:
        analysis.call_local(callback, [None, item], _HELD)
    if name in ("map", "flatMap"):
        return array_of(given)
    if name in _ONE:
        return likely(item, _HELD)
    if name == "entries":
        pair = Value(item.api, Kind.PAIR, items=(Value(Api.BROWSER, Kind.RECORD), item))
        return array_of(pair)
    if name == "next":
        return Value(item.api, Kind.RECORD, fields=(("value", likely(item, _HELD) or item),))
    return array_of(item) if name in _SAME else None


def _on_promise(
    analysis: Analysis, value: Value, name: str, callback: Value | None
) -> Value | None:
    if name in ("catch", "finally"):
        return value
    if name != "then" or not value.items:
        return None
    if callback is None:
        return value
    given = awaited(analysis.call_exact(callback, [value.items[0]]))
    if given is None:
        return None
    return Value(given.api, Kind.PROMISE, items=(given,), confidence=given.confidence)


def _foreign_method(analysis: Analysis, name: str, values: list[Value | None]) -> Value | None:
    """A method of another library's object; its listeners get its objects."""
    callbacks = [each for each in values if each is not None and each.kind is Kind.LOCAL]
    for each in callbacks if name in EMITTING or name in _ITERATING else ():
        analysis.call_exact(each, [FOREIGN, FOREIGN])
    return None if callbacks and name not in EMITTING else FOREIGN


def _unknown_method(
    analysis: Analysis,
    node: Node,
    receiver: Node,
    name: str,
    values: list[Value | None],
    scope: Scope,
) -> Value | None:
    """Functions of the language that hand values through."""
    owner = analysis.text_of(receiver)
    first = values[0] if values else None
    if name == "getTwilioClient" and analysis.is_resolving:
        analysis.apis.add(Api.TWILIO_HELPER)
        return likely(table(Api.TWILIO_HELPER).instance("Client"), "made by Twilio Functions")
    if name in _STREAMS:
        return Value(Api.BROWSER, Kind.ARRAY, items=(Value(Api.BROWSER, Kind.RECORD),))
    if owner in ("React", "React.default"):
        return hook_value(analysis, node, name, values, scope)
    if owner == "Array" and name == "from" and first is not None:
        item = item_of(first)
        if len(values) > 1 and values[1] is not None and values[1].kind is Kind.LOCAL:
            return array_of(analysis.call_local(values[1], [item], _HELD))
        return array_of(item)
    if owner == "Object" and name in ("values", "freeze"):
        return array_of(item_of(first)) if name == "values" else first
    if owner == "Promise" and first is not None:
        if name == "all":
            item = awaited(item_of(first))
            held = array_of(item)
            return None if held is None else Value(held.api, Kind.PROMISE, items=(held,))
        if name == "resolve":
            return Value(first.api, Kind.PROMISE, items=(first,))
    return None


def _capture(
    analysis: Analysis, node: Node, receiver: Node, name_node: Node, nodes: list[Node]
) -> None:
    """`getUserMedia` and `getDisplayMedia` of a browser, and the key `mediaSource`."""
    owner = analysis.text_of(receiver)
    if not owner.endswith(("mediaDevices", "navigator")):
        return
    browser = Value(Api.BROWSER, Kind.INSTANCE, "MediaDevices")
    name = analysis.text_of(name_node)
    span = analysis.span(name_node)
    analysis.record(browser, f"MediaDevices.{name}", UseKind.CALL, span, analysis.span(node))
    todo = list(nodes)
    while todo:
        each = todo.pop()
        todo.extend(each.children)
        if each.kind == "pair" and analysis.text_of(each.children[0]) in ("mediaSource",):
            key = each.children[0]
            analysis.record(
                browser,
                "MediaTrackConstraints.mediaSource",
                UseKind.OPTION,
                analysis.span(key),
                analysis.span(each),
            )


@visits("new_expression")
def _new(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    callee = node.field("constructor") or (node.children[0] if node.children else None)
    arguments = node.field("arguments")
    nodes = arguments.children if arguments is not None else []
    values = [_peek(analysis, each, scope) for each in nodes]
    result: Value | None = None
    if callee is not None:
        for part in parts(analysis.visit(callee, scope)):
            if part is FOREIGN:
                result = FOREIGN
            if part.kind is Kind.MODULE and part.api is Api.TWILIO_HELPER:
                result = join(result, as_sure_as(table(part.api).instance("Client"), part))
            if part.kind is not Kind.CLASS:
                continue
            name = callee.children[-1] if callee.kind == "member_expression" else callee
            known = table(part.api)
            analysis.record(part, part.name, UseKind.CALL, analysis.span(name), analysis.span(node))
            _pass(analysis, nodes, known.constructor(part.name), part, scope)
            result = join(result, as_sure_as(known.instance(part.name), part))
    if result is None and callee is not None and analysis.text_of(callee) in ("Map", "Set"):
        result = values[0] if values else None
    if result is None and callee is not None and analysis.text_of(callee) == "Promise":
        result = _promised(analysis, node, scope)
    for each in nodes:
        if each.kind in FUNCTIONS:
            analysis.visit(each, scope)
    return result


def _promised(analysis: Analysis, node: Node, scope: Scope) -> Value | None:
    """What `new Promise<Room>(...)` says that it will give."""
    arguments = node.first("type_arguments")
    given = type_of(analysis, arguments.children[0], scope) if arguments is not None else None
    if given is None:
        return None
    return Value(given.api, Kind.PROMISE, items=(given,), confidence=given.confidence)
