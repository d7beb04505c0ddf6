"""What the names of a Python text are, and the uses that follow, for `mapping.sources.python`.

Each walk joins what it learns into bindings; the last one records. Functions know what they were
called with, as in the reader of JavaScript.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mapping.sources.descriptors import describe, undescribe
from mapping.sources.js_scopes import Function
from mapping.sources.spelling import camel
from mapping.sources.types import EMITTING, Found, api_of_module, table
from mapping.sources.uses import Api, Span, Use, UseKind
from mapping.sources.values import (
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

__all__ = ["Names", "Reader", "Spans"]

_EMITS = EMITTING | {"add_listener", "remove_listener", "remove_all_listeners"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Spans(Protocol):
    """Where nodes are."""

    text: str

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.alias | ast.arg) -> Span:
        """The span of a node."""

    def between(self, start: int, end: int) -> Span:
        """The span between two offsets."""


@dataclass(slots=True)
class Names:
    """The names of a function, class or module."""

    parent: Names | None = None
    values: dict[str, Value] = field(default_factory=dict)
    own: dict[str, Value] = field(default_factory=dict)
    function: Function | None = None
    is_class: bool = False

    def find(self, name: str) -> Value | None:
        """What a name is here; a class hides its names from its functions."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.values and (scope is self or not scope.is_class):
                return scope.values[name]
            scope = scope.parent
        return None


def _member_of_record(record: Value, name: str) -> Found:
    """A member such as `Features.DOMINANT_SPEAKERS`, whose vendor writes `DominantSpeakers`."""
    plain = name.replace("_", "").lower()
    for key, value in record.fields:
        if key.lower() == plain:
            return Found(f"{record.name}.{key}", value)
    return Found(f"{record.name}.{name}", is_known=False)


class Reader:
    """The state of one text's walks."""

    def __init__(self, spans: Spans, modules: Mapping[str, Mapping[str, str]]) -> None:
        self.spans = spans
        self.modules = modules
        self.uses: dict[tuple[int, int, str], Use] = {}
        self.changes = 0
        self.is_recording = False
        self._root = Names()
        self._names: dict[tuple[int, int], Names] = {}
        self._functions: dict[str, Function] = {}

    def module(self, tree: ast.Module) -> None:
        """Walk the whole text once."""
        self._body(tree.body, self._root)

    def described(self) -> dict[str, str]:
        """What the module offers to others."""
        found: dict[str, str] = {}
        for name, value in self._root.values.items():
            plain = value
            if value.kind is Kind.LOCAL:
                result = self._result(self._functions[value.name])
                if result is None:
                    continue
                plain = Value(result.api, Kind.METHOD, items=(result,))
            text = describe(plain)
            if text:
                found[name] = text
        return found

    # Statements

    def _body(self, body: list[ast.stmt], names: Names) -> None:
        for statement in body:
            self._statement(statement, names)

    def _statement(self, node: ast.stmt, names: Names) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, names)
            case ast.ClassDef():
                self._class(node, names)
            case ast.Assign():
                value = self._value(node.value, names)
                for target in node.targets:
                    self._bind(target, value, names)
            case ast.AnnAssign():
                given = self._value(node.value, names) if node.value is not None else None
                self._bind(node.target, join(self._type(node.annotation, names), given), names)
            case ast.For() | ast.AsyncFor():
                self._bind(node.target, self._each(self._value(node.iter, names)), names)
                self._body(node.body + node.orelse, names)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    value = self._value(item.context_expr, names)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, value, names)
                self._body(node.body, names)
            case ast.Return():
                value = self._value(node.value, names) if node.value is not None else None
                if names.function is not None:
                    names.function.returns(value)
            case _:
                self._other(node, names)

    def _other(self, node: ast.AST, names: Names) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, names)
            elif isinstance(child, ast.expr):
                self._value(child, names)
            else:
                self._other(child, names)

    def _import(self, node: ast.Import | ast.ImportFrom, names: Names) -> None:
        module = (
            ("." * node.level + (node.module or "")) if isinstance(node, ast.ImportFrom) else ""
        )
        for alias in node.names:
            if isinstance(node, ast.Import):
                self._import_module(node, alias, names)
                continue
            value = self._imported(module, alias.name)
            if value is None:
                continue
            self._set(names, alias.asname or alias.name, value)
            if module.lstrip(".") == module and module not in self.modules:
                span = self.spans.span(alias)
                name = self.spans.between(span.start, span.start + len(alias.name))
                whole = self.spans.span(node)
                symbol = value.name if value.name and value.kind is not Kind.MODULE else alias.name
                self._record(value, symbol, UseKind.IMPORT, name, whole, module=module)

    def _import_module(self, node: ast.Import, alias: ast.alias, names: Names) -> None:
        api = api_of_module(alias.name)
        if api is None:
            exports = self.modules.get(alias.name)
            if exports and (alias.asname or "." not in alias.name):
                value = self._exports(exports)
                self._set(names, alias.asname or alias.name, value)
            return
        span = self.spans.span(alias)
        value = Value(api, Kind.MODULE, alias.name)
        name = self.spans.between(span.start, span.start + len(alias.name))
        self._record(value, "*", UseKind.IMPORT, name, self.spans.span(node), module=alias.name)
        bound = alias.asname or alias.name.partition(".")[0]
        self._set(names, bound, value if alias.asname else Value(api, Kind.MODULE, bound))

    def _exports(self, exports: Mapping[str, str]) -> Value | None:
        fields = tuple(
            (name, value)
            for name, text in exports.items()
            if (value := likely(undescribe(text), "exported by a module of the program"))
        )
        return Value(fields[0][1].api, Kind.RECORD, fields=fields) if fields else None

    def _imported(self, module: str, name: str) -> Value | None:
        exports = self.modules.get(module)
        if exports:
            return (
                likely(undescribe(exports[name]), f"exported by {module}")
                if name in exports
                else None
            )
        api = api_of_module(f"{module}.{name}") or api_of_module(module)
        if api is None:
            return None
        if api_of_module(f"{module}.{name}") is not api_of_module(module) or name == "video":
            return Value(api, Kind.MODULE, f"{module}.{name}")
        return self._exported(api, name)

    def _exported(self, api: Api, name: str) -> Value:
        known = table(api)
        for spelling in (name, camel(name)):
            found = known.exported(spelling)
            if found is not None:
                return found
        if name.islower():
            return Value(api, Kind.MODULE, name)
        return Value(api, Kind.CLASS, name)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> None:
        function = self._function_of(node, isinstance(node, ast.AsyncFunctionDef))
        value = local(function.key)
        holder = names.own if names.is_class else names.values
        holder.setdefault(node.name, value)
        names.values.setdefault(node.name, value)
        for decorator in node.decorator_list:
            self._value(decorator, names)
            if isinstance(decorator, ast.Call):
                self._decorated(decorator, function, names)
        inner = self._names_of(node, names)
        inner.function = function
        arguments = [*node.args.posonlyargs, *node.args.args]
        if names.is_class and arguments:
            arguments = arguments[1:]
        for index, argument in enumerate([*arguments, *node.args.kwonlyargs]):
            passed = function.arguments[index] if index < len(function.arguments) else None
            declared = self._type(argument.annotation, names)
            self._set(inner, argument.arg, declared or passed)
        if node.returns is not None:
            function.returns(self._type(node.returns, names))
        self._body(node.body, inner)

    def _decorated(self, node: ast.Call, function: Function, names: Names) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _EMITS and node.args:
            base = self._value(node.func.value, names)
            found = self._event(node, base, node.args[0])
            if found is not None:
                self.changes += function.receives(found.parameters)

    def _class(self, node: ast.ClassDef, names: Names) -> None:
        for expression in (*node.bases, *node.decorator_list):
            self._value(expression, names)
        inner = self._names_of(node, names)
        inner.is_class = True
        self._body(node.body, inner)

    # Names

    def _names_of(self, node: ast.stmt | ast.expr, parent: Names) -> Names:
        key = (node.lineno, node.col_offset)
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = Names(parent, function=parent.function)
        return found

    def _function_of(self, node: ast.stmt | ast.expr, is_async: bool) -> Function:
        key = f"{node.lineno}:{node.col_offset}"
        return self._functions.setdefault(key, Function(key, is_async))

    def _set(self, names: Names, name: str, value: Value | None) -> None:
        if value is not None:
            old = names.values.get(name)
            names.values[name] = join(old, value) or value
            self.changes += names.values[name] != old

    def _own(self, names: Names) -> Names | None:
        """The class that `self` is of."""
        scope: Names | None = names
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope

    def _bind(self, target: ast.expr, value: Value | None, names: Names) -> None:
        match target:
            case ast.Name():
                scope = names
                self._set(scope, target.id, value)
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                owner = self._own(names)
                if owner is not None and value is not None:
                    old = owner.own.get(target.attr)
                    owner.own[target.attr] = join(old, value) or value
                    self.changes += owner.own[target.attr] != old
            case ast.Tuple() | ast.List():
                for index, element in enumerate(target.elts):
                    given: Value | None = None
                    for part in parts(value):
                        if part.kind is Kind.PAIR and index < len(part.items):
                            given = join(given, part.items[index])
                        elif part.kind is Kind.ARRAY:
                            given = join(given, part.items[0])
                    self._bind(element, given, names)
            case _:
                self._value(target, names)

    # Expressions

    def _value(self, node: ast.expr | None, names: Names) -> Value | None:
        match node:
            case None:
                return None
            case ast.Name():
                return names.find(node.id)
            case ast.Attribute():
                return self._attribute(node, names)
            case ast.Call():
                return self._call(node, names)
            case ast.Await():
                return awaited(self._value(node.value, names))
            case ast.Constant(value=str() as text) if len(text) < 60:
                return Value(Api.BROWSER, Kind.TEXT, text, start=self._text_start(node, text))
            case ast.Lambda():
                return self._lambda(node, names)
            case ast.List() | ast.Tuple() | ast.Set():
                held: Value | None = None
                for element in node.elts:
                    held = join(held, self._value(element, names))
                return array_of(held)
            case ast.IfExp():
                self._value(node.test, names)
                return join(self._value(node.body, names), self._value(node.orelse, names))
            case ast.BoolOp():
                result: Value | None = None
                for each in node.values:
                    result = join(result, self._value(each, names))
                return result
            case ast.NamedExpr():
                value = self._value(node.value, names)
                self._bind(node.target, value, names)
                return value
            case ast.Subscript():
                self._value(node.slice, names)
                return likely(item_of(self._value(node.value, names)), "item of a collection")
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node, names)
            case _:
                self._other(node, names)
                return None

    def _text_start(self, node: ast.Constant, text: str) -> int:
        span = self.spans.span(node)
        source = self.spans.text[span.start : span.end]
        at = source.find(text) if text else -1
        return span.start + at if at >= 0 else -1

    def _lambda(self, node: ast.Lambda, names: Names) -> Value:
        function = self._function_of(node, False)
        inner = self._names_of(node, names)
        for index, argument in enumerate(node.args.args):
            if index < len(function.arguments):
                self._set(inner, argument.arg, function.arguments[index])
        function.returns(self._value(node.body, inner))
        return local(function.key)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, names: Names
    ) -> Value | None:
        inner = self._names_of(node, names)
        for each in node.generators:
            self._bind(each.target, self._each(self._value(each.iter, inner)), inner)
            for condition in each.ifs:
                self._value(condition, inner)
        return array_of(self._value(node.elt, inner))

    def _each(self, value: Value | None) -> Value | None:
        """What iteration gives: of a mapping its keys, which are nobody's objects."""
        result: Value | None = None
        for part in parts(value):
            if part.kind is Kind.ARRAY:
                result = join(result, part.items[0])
        if result is None or result.kind is Kind.TEXT:
            return result
        return likely(result, "item of a collection")

    def _attribute(self, node: ast.Attribute, names: Names) -> Value | None:
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            owner = self._own(names)
            return owner.own.get(node.attr) if owner is not None else None
        base = self._value(node.value, names)
        return self._member(base, node, self.spans.span(node), UseKind.MEMBER)

    def _member(
        self, base: Value | None, node: ast.Attribute, expression: Span, kind: UseKind
    ) -> Value | None:
        """The value of an attribute, noted as a use."""
        span = self._attribute_span(node)
        result: Value | None = None
        for part in parts(base):
            if part.kind is Kind.MODULE:
                value = self._exported(part.api, node.attr)
                if value.kind is not Kind.MODULE:
                    use = UseKind.VALUE if kind is UseKind.MEMBER else kind
                    self._record(part, value.name, use, span, expression)
                result = join(result, as_sure_as(value, part))
            elif part.kind is Kind.RECORD and not part.name:
                result = join(result, as_sure_as(part.field(node.attr), part))
        found = self._find(base, node.attr)
        if found is None:
            return result
        owner, known = found
        self._record(owner, known.symbol, kind, span, expression)
        given = as_sure_as(known.value, owner)
        if known.is_method and kind is UseKind.MEMBER:
            items = (given,) if given is not None else ()
            given = Value(owner.api, Kind.METHOD, known.symbol, items=items)
        return join(result, given)

    def _find(self, base: Value | None, name: str) -> tuple[Value, Found] | None:
        unknown: tuple[Value, Found] | None = None
        for part in parts(base):
            if part.kind is Kind.RECORD and part.name:
                return part, _member_of_record(part, name)
            if part.kind not in (Kind.INSTANCE, Kind.CLASS):
                continue
            for spelling in (name, camel(name)):
                is_static = part.kind is Kind.CLASS
                found = table(part.api).member(part.name, spelling, static=is_static)
                if found.is_known:
                    return part, found
            made = table(part.api).instance(part.name) if name.startswith("from_") else None
            found = Found(f"{part.name}.{name}", made, made is not None, is_known=False)
            unknown = unknown or (part, found)
        return unknown

    def _attribute_span(self, node: ast.Attribute) -> Span:
        end = self.spans.span(node).end
        return self.spans.between(end - len(node.attr), end)

    # Calls

    def _call(self, node: ast.Call, names: Names) -> Value | None:
        arguments = [self._value(each, names) for each in node.args]
        keywords = {each.arg: self._value(each.value, names) for each in node.keywords if each.arg}
        for each in node.keywords:
            if each.arg is None:
                self._value(each.value, names)
        if isinstance(node.func, ast.Attribute):
            result = self._method(node, node.func, arguments, names)
            if result is not None:
                return result[0]
        value = self._value(node.func, names)
        result_: Value | None = None
        for part in parts(value):
            result_ = join(result_, self._called(part, node, arguments, keywords))
        return result_

    def _method(
        self, node: ast.Call, function: ast.Attribute, arguments: list[Value | None], names: Names
    ) -> tuple[Value | None] | None:
        """A call of a member of an object or container; None for anything else."""
        if isinstance(function.value, ast.Name) and function.value.id in ("self", "cls"):
            return None
        base = self._value(function.value, names)
        if function.attr in _EMITS and node.args:
            found = self._event(node, base, node.args[0], arguments[0])
            if found is not None:
                for listener in parts(arguments[1]) if len(arguments) > 1 else ():
                    if listener.kind is Kind.LOCAL:
                        passed = self._functions[listener.name].receives(found.parameters)
                        self.changes += passed
                return (base,)
        for part in parts(base):
            if part.kind in (Kind.MAP, Kind.ARRAY) and part.items:
                return (self._container(part, function.attr),)
        found_member = self._find(base, function.attr)
        if found_member is None or found_member[0].kind is Kind.RECORD:
            return None
        owner, known = found_member
        result = self._member(base, function, self.spans.span(node), UseKind.CALL)
        self._options(node, known.parameters, owner)
        if function.attr in ("feature", "api") and arguments:
            return (as_sure_as(arguments[0], owner),)
        return (result,)

    def _container(self, value: Value, name: str) -> Value | None:
        item = value.items[0]
        if name in ("values", "copy"):
            return array_of(item)
        if name == "items":
            pair = Value(item.api, Kind.PAIR, items=(Value(Api.BROWSER, Kind.RECORD), item))
            return array_of(pair)
        return likely(item, "item of a collection") if name in ("get", "pop") else None

    def _called(
        self,
        value: Value,
        node: ast.Call,
        arguments: list[Value | None],
        keywords: dict[str, Value | None],
    ) -> Value | None:
        del keywords
        if value.kind is Kind.LOCAL:
            function = self._functions[value.name]
            self.changes += function.receives(
                likely(each, "passed by a caller in this file") for each in arguments
            )
            return self._result(function)
        if value.kind is Kind.METHOD:
            return value.items[0] if value.items else None
        name = node.func
        span = self.spans.span(name)
        if isinstance(name, ast.Attribute):
            span = self._attribute_span(name)
        whole = self.spans.span(node)
        known = table(value.api)
        if value.kind is Kind.FUNCTION:
            self._record(value, value.name, UseKind.CALL, span, whole)
            row = known.functions[value.name]
            self._options(node, tuple(known.value_of(text) for text in row[1:]), value)
            return as_sure_as(known.value_of(row[0]), value)
        if value.kind is Kind.CLASS:
            self._record(value, value.name, UseKind.CALL, span, whole)
            self._options(node, known.constructor(value.name), value)
            return as_sure_as(known.instance(value.name), value)
        return value if value.kind is Kind.INSTANCE else None

    def _result(self, function: Function) -> Value | None:
        result = function.result
        if result is None or not function.is_async or result.kind is Kind.PROMISE:
            return result
        return Value(result.api, Kind.PROMISE, items=(result,), confidence=result.confidence)

    def _event(
        self, node: ast.Call, base: Value | None, argument: ast.expr, value: Value | None = None
    ) -> Found | None:
        """Note the event that a listener is for; gives the first that is known."""
        texts = parts(value) if value is not None else ()
        if not texts and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            start = self._text_start(argument, argument.value)
            texts = (Value(Api.BROWSER, Kind.TEXT, argument.value, start=start),)
        result: Found | None = None
        for text in texts:
            if text.kind is not Kind.TEXT or text.start < 0:
                continue
            found = self._event_named(node, base, text)
            result = result or found
        return result

    def _event_named(self, node: ast.Call, base: Value | None, text: Value) -> Found | None:
        first: tuple[Value, Found] | None = None
        for part in parts(base):
            known = table(part.api)
            if part.kind is Kind.INSTANCE and known.has_events(part.name):
                found = known.event(part.name, text.name)
                if first is None or (found.is_known and not first[1].is_known):
                    first = part, found
        if first is None:
            return None
        owner, found = first
        span = self.spans.between(text.start, text.start + len(text.name))
        self._record(owner, found.symbol, UseKind.EVENT, span, self.spans.span(node))
        why = f"parameter of a listener of {found.symbol}"
        given = tuple(likely(as_sure_as(each, owner), why) for each in found.parameters)
        return Found(found.symbol, None, False, given, found.is_known)

    # Options

    def _options(self, node: ast.Call, types: tuple[Value | None, ...], origin: Value) -> None:
        bags = [
            as_sure_as(part, origin) or part
            for type_ in types
            for part in parts(type_)
            if part.kind is Kind.INSTANCE and table(part.api).is_options(part.name)
        ]
        for keyword in node.keywords:
            if keyword.arg is not None:
                span = self.spans.span(keyword)
                name = self.spans.between(span.start, span.start + len(keyword.arg))
                self._option(bags, keyword.arg, keyword.value, name, span)
        for argument, type_ in zip(node.args, types, strict=False):
            self._bag(argument, as_sure_as(type_, origin))

    def _bag(self, node: ast.expr, type_: Value | None) -> None:
        """The keys of a dictionary, or of those in a list, as options of a type."""
        if isinstance(node, ast.List):
            for part in parts(type_):
                if part.kind is Kind.ARRAY:
                    for element in node.elts:
                        self._bag(element, part.items[0])
        if not isinstance(node, ast.Dict):
            return
        bags = [
            part
            for part in parts(type_)
            if part.kind is Kind.INSTANCE and table(part.api).is_options(part.name)
        ]
        for key, content in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                start = self._text_start(key, key.value)
                span = self.spans.between(start, start + len(key.value))
                whole = self.spans.between(span.start, self.spans.span(content).end)
                if start >= 0:
                    self._option(bags, key.value, content, span, whole)

    def _option(
        self, bags: list[Value], name: str, content: ast.expr, span: Span, whole: Span
    ) -> None:
        for bag in bags:
            for spelling in (name, camel(name)):
                found = table(bag.api).member(bag.name, spelling)
                if found.is_known:
                    self._record(bag, found.symbol, UseKind.OPTION, span, whole)
                    self._bag(content, as_sure_as(found.value, bag))
                    return
        if len(bags) == 1 and not table(bags[0].api).is_open(bags[0].name):
            self._record(bags[0], f"{bags[0].name}.{name}", UseKind.OPTION, span, whole)

    # Types and uses

    def _type(self, node: ast.expr | None, names: Names) -> Value | None:
        """What an annotation says: a class, one of several, or a container of them."""
        match node:
            case ast.Name() | ast.Attribute():
                value = self._value(node, names)
                if value is None or value.kind is not Kind.CLASS:
                    return None
                span = self.spans.span(node)
                if isinstance(node, ast.Attribute):
                    span = self._attribute_span(node)
                self._record(value, value.name, UseKind.TYPE, span, self.spans.span(node))
                return as_sure_as(table(value.api).instance(value.name), value)
            case ast.BinOp(op=ast.BitOr()):
                return join(self._type(node.left, names), self._type(node.right, names))
            case ast.Subscript(value=ast.Name(id=name)):
                inner = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
                held = self._type(inner, names)
                if held is None or name == "Optional":
                    return held
                if name in ("list", "List", "Sequence", "Iterable", "set", "tuple"):
                    return array_of(held)
                is_map = name in ("dict", "Dict", "Mapping")
                return Value(held.api, Kind.MAP, items=(held,)) if is_map else None
            case _:
                return None

    def _record(
        self,
        value: Value,
        symbol: str,
        kind: UseKind,
        span: Span,
        expression: Span,
        *,
        module: str = "",
    ) -> None:
        if not self.is_recording:
            return
        key = (span.start, span.end, symbol)
        old = self.uses.get(key)
        if old is not None and (
            old.kind is UseKind.CALL or kind not in (UseKind.CALL, UseKind.TYPE)
        ):
            return
        text = self.spans.text[span.start : span.end]
        self.uses[key] = Use(
            value.api, symbol, kind, span, expression, value.confidence, value.why, text, module
        )
