"""React: what its hooks and `setState` hold, and hand through."""

from __future__ import annotations

from mapping.sources.js_scopes import Analysis, Binding, Scope
from mapping.sources.js_tree import Node
from mapping.sources.js_types import type_of
from mapping.sources.values import Kind, Value, join, likely

__all__ = ["hook_value", "set_state", "store"]

_HELD = "held as state"


def store(analysis: Analysis, state: Binding, value: Value | None) -> None:
    """Note what a setter of a state is called with; a function gets the state and gives the new."""
    if value is not None and value.kind is Kind.LOCAL:
        value = analysis.call_local(value, [state.value], _HELD)
    analysis.bind(state, likely(_stored(value), _HELD))


def set_state(analysis: Analysis, nodes: list[Node], scope: Scope) -> None:
    """Note what `this.setState({ ... })` puts into `this.state`."""
    if not nodes or nodes[0].kind != "object" or scope.this is None:
        return
    state = scope.this.path("state")
    for pair in nodes[0].children:
        if not pair.children and pair.kind != "shorthand_property_identifier":
            continue
        key = pair.children[0] if pair.children else pair
        value = analysis.visit(pair.children[-1] if pair.children else pair, scope)
        if pair.kind == "shorthand_property_identifier":
            found = scope.find(analysis.text_of(pair))
            value = found.value if found is not None else None
        if value is not None and value.kind is not Kind.TEXT:
            analysis.bind(state.path(analysis.text_of(key)), likely(_stored(value), _HELD))


def _stored(value: Value | None) -> Value | None:
    return None if value is not None and value.kind is Kind.LOCAL else value


def hook_value(
    analysis: Analysis, node: Node, name: str, values: list[Value | None], scope: Scope
) -> Value | None:
    """React's hooks that hand their argument through."""
    if name in ("useCallback", "useEffectEvent") and values:
        return values[0]
    if name == "useMemo" and values and values[0] is not None and values[0].kind is Kind.LOCAL:
        return analysis.call_local(values[0], [], "computed once")
    if name in ("useState", "useRef"):
        declared = node.first("type_arguments")
        first = declared.children[0] if declared is not None and declared.children else None
        typed = type_of(analysis, first, scope)
        # What the program declares is sure; what it puts in first may not be all that there is.
        value = join(typed, likely(_stored(values[0]) if values else None, _HELD))
        if name == "useRef" and value is not None:
            return Value(value.api, Kind.RECORD, fields=(("current", value),))
        return value
    return None
