"""Names of a JavaScript text and what is known of them, for `mapping.sources.javascript`.

How it works: the tree is walked several times. Each walk evaluates every expression in its scope
and joins what it learns into bindings, which outlive the walk, so that a function sees a variable
that is assigned below it. The last walk records uses. Visitors of a kind of node register with
`visits`; they return the value of an expression or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mapping.sources.js_tree import Lines, Node
from mapping.sources.types import global_names
from mapping.sources.uses import Api, Confidence, Span, Use, UseKind
from mapping.sources.values import Kind, Value, join, likely

__all__ = ["Analysis", "Binding", "Function", "Scope", "Visitor", "visits"]

Visitor = Callable[["Analysis", Node, "Scope"], Value | None]
_VISITORS: dict[str, Visitor] = {}
_SURE = {Confidence.EXACT: 0, Confidence.LIKELY: 1, Confidence.MANUAL: 2}
_GLOBAL_OBJECTS = frozenset({"window", "globalThis", "self", "global"})


def visits(*kinds: str) -> Callable[[Visitor], Visitor]:
    """Register a visitor of kinds of nodes."""

    def register(visitor: Visitor) -> Visitor:
        for kind in kinds:
            _VISITORS[kind] = visitor
        return visitor

    return register


def _rank(confidence: Confidence, kind: UseKind) -> tuple[int, bool]:
    return _SURE[confidence], kind is not UseKind.CALL


@dataclass(slots=True)
class Binding:
    """A name, or a property reached from one, and what it was seen to hold.

    Attributes:
        value: What is known, of all walks.
        sets: Of the second half of a `useState` pair, what it sets.
        paths: What the properties of it hold.
        literal: The expression that it was declared with, if that may be a bag of options.
    """

    value: Value | None = None
    sets: Binding | None = None
    paths: dict[str, Binding] = field(default_factory=dict)
    literal: Node | None = None

    def path(self, rest: str) -> Binding:
        """The binding of a property."""
        return self.paths.setdefault(rest, Binding())


@dataclass(slots=True)
class Scope:
    """The names of a block or function."""

    parent: Scope | None
    names: dict[str, Binding] = field(default_factory=dict)
    types: dict[str, Value] = field(default_factory=dict)
    this: Binding | None = None
    function: Function | None = None

    def find(self, name: str) -> Binding | None:
        """The binding that a name means here."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def find_type(self, name: str) -> Value | None:
        """The local type of a name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.types.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def declare(self, name: str) -> Binding:
        """The binding of a name that this scope has."""
        return self.names.setdefault(name, Binding())


@dataclass(slots=True)
class Function:
    """A function of the program: what it was called with, and what it gave."""

    key: str
    is_async: bool = False
    arguments: list[Value | None] = field(default_factory=list)
    result: Value | None = None

    def receives(self, values: Iterable[Value | None]) -> int:
        """Note what a call passes; gives how many arguments that said something new of."""
        changes = 0
        for index, value in enumerate(values):
            if index == len(self.arguments):
                self.arguments.append(None)
            old = self.arguments[index]
            self.arguments[index] = join(old, value)
            changes += self.arguments[index] != old
        return changes

    def returns(self, value: Value | None) -> None:
        """Note what it gives."""
        self.result = join(self.result, value)


class Analysis:
    """The state of one text's walks."""

    def __init__(self, text: str, modules: Mapping[str, Mapping[str, str]]) -> None:
        self.text = text
        self.lines = Lines(text)
        self.modules = modules
        self.uses: dict[tuple[int, int, str], Use] = {}
        self.apis: set[Api] = set()
        self.hints: Mapping[str, Value] = {}
        self.functions: dict[str, Function] = {}
        self.exports: dict[str, Value] = {}
        self.is_recording = False
        self.is_resolving = False
        self.root = Scope(None, this=Binding())
        self.globals = global_names()
        self.changes = 0
        self._scopes: dict[tuple[int, int, str], Scope] = {}

    def visit(self, node: Node | None, scope: Scope) -> Value | None:
        """Evaluate a node and all in it."""
        if node is None:
            return None
        visitor = _VISITORS.get(node.kind)
        if visitor is not None:
            return visitor(self, node, scope)
        for child in node.children:
            self.visit(child, scope)
        return None

    def visit_children(self, node: Node, scope: Scope) -> None:
        """Evaluate what is in a node."""
        for child in node.children:
            self.visit(child, scope)

    def place(self, node: Node | None, scope: Scope, *, makes: bool = False) -> Binding | None:
        """The binding that a name or a chain of properties means.

        With `makes`, a property that nothing was assigned to yet gets one.
        """
        if node is None:
            return None
        if node.kind in ("identifier", "shorthand_property_identifier"):
            return scope.find(self.text_of(node))
        if node.kind == "this":
            return scope.this
        if node.kind in ("non_null_expression", "parenthesized_expression") and node.children:
            return self.place(node.children[0], scope, makes=makes)
        if node.kind != "member_expression" or len(node.children) < 2:
            return None
        name = self.text_of(node.children[-1])
        if self.text_of(node.children[0]) in _GLOBAL_OBJECTS and not self._is_own(node, scope):
            return self.root.declare(name) if makes else self.root.names.get(name)
        owner = self.place(node.children[0], scope, makes=makes)
        if owner is None:
            return None
        return owner.path(name) if makes else owner.paths.get(name)

    def _is_own(self, node: Node, scope: Scope) -> bool:
        """Whether the program has a name of its own for what a property is of: `self = this`."""
        return scope.find(self.text_of(node.children[0])) is not None

    def dotted(self, text: str, scope: Scope) -> Value | None:
        """What a dotted name means: a binding, or a global that a script element makes."""
        binding = scope.find(text)
        return binding.value if binding is not None else self.global_of(text, scope)

    def global_of(self, text: str, scope: Scope) -> Value | None:
        """The global that a script element makes under a dotted name, unless it is hidden."""
        if not self.is_resolving:
            return None
        while text.partition(".")[0] in _GLOBAL_OBJECTS and "." in text:
            text = text.partition(".")[2]
        binding = scope.find(text.partition(".")[0])
        if binding is not None and (binding.value is not None or binding.paths):
            return None
        return self.globals.get(text)

    def scope_of(self, node: Node, parent: Scope) -> Scope:
        """The scope that a node opens, the same in each walk."""
        key = (node.start, node.end, node.kind)
        found = self._scopes.get(key)
        if found is None:
            found = self._scopes[key] = Scope(parent, function=parent.function, this=parent.this)
        return found

    def function_of(self, node: Node) -> Function:
        """What is known of a function of the program."""
        key = f"{node.start}:{node.kind}"
        found = self.functions.get(key)
        if found is None:
            found = self.functions[key] = Function(key, node.has_token("async"))
        return found

    def text_of(self, node: Node) -> str:
        """A node as written."""
        return self.text[node.start : node.end]

    def span(self, node: Node) -> Span:
        """Where a node is."""
        return self.lines.span(node.start, node.end)

    def string_of(self, node: Node | None) -> tuple[str, int] | None:
        """A literal text and the offset of its first character, or None."""
        if node is None or node.kind not in ("string", "template_string"):
            return None
        if any(child.kind == "template_substitution" for child in node.children):
            return None
        if node.end - node.start < 2:
            return None
        return self.text[node.start + 1 : node.end - 1], node.start + 1

    def record(
        self,
        value: Value,
        symbol: str,
        kind: UseKind,
        span: Span,
        expression: Span,
        *,
        module: str = "",
    ) -> None:
        """Note a use, in the last walk; of two at one place the surer stays, then the call."""
        if not self.is_recording:
            return
        key = (span.start, span.end, symbol)
        old = self.uses.get(key)
        if old is not None and _rank(old.confidence, old.kind) <= _rank(value.confidence, kind):
            return
        self.uses[key] = Use(
            value.api,
            symbol,
            kind,
            span,
            expression,
            value.confidence,
            value.why,
            self.text[span.start : span.end],
            module,
        )

    def bind(self, binding: Binding, value: Value | None) -> None:
        """Add what a name was seen to hold."""
        if value is not None:
            old = binding.value
            binding.value = join(old, value)
            self.changes += binding.value != old

    def call_local(self, value: Value, arguments: list[Value | None], why: str) -> Value | None:
        """Pass arguments to a function of the program and give its result."""
        function = self.functions.get(value.name)
        if function is None:
            return None
        self.changes += function.receives(likely(each, why) for each in arguments)
        return self._result(function)

    def call_exact(self, value: Value, arguments: list[Value | None]) -> Value | None:
        """The same where the language itself says what is passed."""
        function = self.functions.get(value.name)
        if function is None:
            return None
        self.changes += function.receives(arguments)
        return self._result(function)

    def _result(self, function: Function) -> Value | None:
        result = function.result
        if result is not None and function.is_async and result.kind is not Kind.PROMISE:
            return Value(
                result.api,
                Kind.PROMISE,
                items=(result,),
                confidence=result.confidence,
                why=result.why,
            )
        return result
