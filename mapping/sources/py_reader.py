"""Walks a Python text: what its names are, and the uses that follow.

Each walk joins what it learns into bindings; the last one records. Functions know what they were
called with, as in the reader of JavaScript.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from mapping.sources.descriptors import describe
from mapping.sources.js_scopes import Function
from mapping.sources.py_names import Names, exports_of, imported
from mapping.sources.py_uses import Spans, Uses, exported
from mapping.sources.types import EMITTING, api_of_module, table
from mapping.sources.uses import Api, Span, UseKind
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

__all__ = ["Reader"]

_EMITS = EMITTING | {"add_listener", "remove_listener", "remove_all_listeners"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reader:
    """The state of one text's walks."""

    def __init__(self, spans: Spans, modules: Mapping[str, Mapping[str, str]]) -> None:
        self.spans = spans
        self.modules = modules
        self.uses = Uses(spans)
        self.changes = 0
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
            value = imported(self.modules, module, alias.name)
            if value is None:
                continue
            self._set(names, alias.asname or alias.name, value)
            if module.lstrip(".") == module and module not in self.modules:
                span = self.spans.span(alias)
                name = self.spans.between(span.start, span.start + len(alias.name))
                whole = self.spans.span(node)
                symbol = value.name if value.name and value.kind is not Kind.MODULE else alias.name
                self.uses.record(value, symbol, UseKind.IMPORT, name, whole, module=module)

    def _import_module(self, node: ast.Import, alias: ast.alias, names: Names) -> None:
        api = api_of_module(alias.name)
        if api is None:
            exports = self.modules.get(alias.name)
            if exports and (alias.asname or "." not in alias.name):
                value = exports_of(exports)
                self._set(names, alias.asname or alias.name, value)
            return
        span = self.spans.span(alias)
        value = Value(api, Kind.MODULE, alias.name)
        name = self.spans.between(span.start, span.start + len(alias.name))
        self.uses.record(value, "*", UseKind.IMPORT, name, self.spans.span(node), module=alias.name)
        bound = alias.asname or alias.name.partition(".")[0]
        self._set(names, bound, value if alias.asname else Value(api, Kind.MODULE, bound))

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
            found = self.uses.event(node, base, node.args[0])
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
                return Value(Api.BROWSER, Kind.TEXT, text, start=self.uses.text_start(node, text))
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
        if _is_own(node):
            owner = self._own(names)
            return owner.own.get(node.attr) if owner is not None else None
        base = self._value(node.value, names)
        return self._member(base, node, self.spans.span(node), UseKind.MEMBER)

    def _member(
        self, base: Value | None, node: ast.Attribute, expression: Span, kind: UseKind
    ) -> Value | None:
        """The value of an attribute, noted as a use."""
        span = self.uses.attribute_span(node)
        result: Value | None = None
        for part in parts(base):
            if part.kind is Kind.MODULE:
                value = exported(part.api, node.attr)
                if value.kind is not Kind.MODULE:
                    use = UseKind.VALUE if kind is UseKind.MEMBER else kind
                    self.uses.record(part, value.name, use, span, expression)
                result = join(result, as_sure_as(value, part))
            elif part.kind is Kind.RECORD and not part.name:
                result = join(result, as_sure_as(part.field(node.attr), part))
        found = self.uses.find(base, node.attr)
        if found is None:
            return result
        owner, known = found
        self.uses.record(owner, known.symbol, kind, span, expression)
        given = as_sure_as(known.value, owner)
        if known.is_method and kind is UseKind.MEMBER:
            items = (given,) if given is not None else ()
            given = Value(owner.api, Kind.METHOD, known.symbol, items=items)
        return join(result, given)

    # Calls

    def _call(self, node: ast.Call, names: Names) -> Value | None:
        arguments = [self._value(each, names) for each in node.args]
        keywords = {each.arg: self._value(each.value, names) for each in node.keywords if each.arg}
        for each in node.keywords:
            if each.arg is None:
                self._value(each.value, names)
        if isinstance(node.func, ast.Attribute) and not _is_own(node.func):
            # Read once: reading it twice would double the time with each link of a chain.
            base = self._value(node.func.value, names)
            found = self._method(node, node.func, base, arguments)
            if found is not None:
                return found[0]
            value = self._member(base, node.func, self.spans.span(node.func), UseKind.MEMBER)
        else:
            value = self._value(node.func, names)
        result: Value | None = None
        for part in parts(value):
            result = join(result, self._called(part, node, arguments, keywords))
        return result

    def _method(
        self,
        node: ast.Call,
        function: ast.Attribute,
        base: Value | None,
        arguments: list[Value | None],
    ) -> tuple[Value | None] | None:
        """A call of a member of an object or container; None for anything else."""
        if function.attr in _EMITS and node.args:
            found = self.uses.event(node, base, node.args[0], arguments[0])
            if found is not None:
                for listener in parts(arguments[1]) if len(arguments) > 1 else ():
                    if listener.kind is Kind.LOCAL:
                        passed = self._functions[listener.name].receives(found.parameters)
                        self.changes += passed
                return (base,)
        for part in parts(base):
            if part.kind in (Kind.MAP, Kind.ARRAY) and part.items:
                return (self._container(part, function.attr),)
        found_member = self.uses.find(base, function.attr)
        if found_member is None or found_member[0].kind is Kind.RECORD:
            return None
        owner, known = found_member
        result = self._member(base, function, self.spans.span(node), UseKind.CALL)
        self.uses.options(node, known.parameters, owner)
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
            span = self.uses.attribute_span(name)
        whole = self.spans.span(node)
        known = table(value.api)
        if value.kind is Kind.FUNCTION:
            self.uses.record(value, value.name, UseKind.CALL, span, whole)
            row = known.functions[value.name]
            self.uses.options(node, tuple(known.value_of(text) for text in row[1:]), value)
            return as_sure_as(known.value_of(row[0]), value)
        if value.kind is Kind.CLASS:
            self.uses.record(value, value.name, UseKind.CALL, span, whole)
            self.uses.options(node, known.constructor(value.name), value)
            return as_sure_as(known.instance(value.name), value)
        return value if value.kind is Kind.INSTANCE else None

    def _result(self, function: Function) -> Value | None:
        result = function.result
        if result is None or not function.is_async or result.kind is Kind.PROMISE:
            return result
        return Value(result.api, Kind.PROMISE, items=(result,), confidence=result.confidence)

    # Types

    def _type(self, node: ast.expr | None, names: Names) -> Value | None:
        """What an annotation says: a class, one of several, or a container of them."""
        match node:
            case ast.Name() | ast.Attribute():
                value = self._value(node, names)
                if value is None or value.kind is not Kind.CLASS:
                    return None
                span = self.spans.span(node)
                if isinstance(node, ast.Attribute):
                    span = self.uses.attribute_span(node)
                self.uses.record(value, value.name, UseKind.TYPE, span, self.spans.span(node))
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


def _is_own(node: ast.Attribute) -> bool:
    """Whether an attribute is one of the object whose method it stands in."""
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
