"""The surroundings of a name in a Python text, by libcst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from mapping.rewrite.edits import Edit
from mapping.rewrite.syntax import Argument, Call, Language, NameRole, Place, UnparsableTextError
from mapping.rewrite.texts import newline_of

__all__ = ["PythonSyntax", "dotted_name"]

_STATEMENTS: Final = (cst.SimpleStatementLine, cst.BaseCompoundStatement)
# `await x` binds tighter than these bind their operand, so it needs parentheses there.
_TIGHTER: Final = (cst.Attribute, cst.Subscript, cst.Call, cst.Await)


class PythonSyntax:
    """A parsed Python text; offsets are characters.

    Raises:
        UnparsableTextError: It is no Python.
    """

    language: Final = Language.PYTHON

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._module = cst.parse_module(text)
        # The native parser has errors of its own, and gives up on texts that nest too deeply.
        except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError) as error:
            raise UnparsableTextError(f"no Python: {error}") from error

    def problems(self) -> int:
        """None: what has problems is not parsed."""
        return 0

    def call_of(self, start: int, end: int) -> Call | None:
        """The call of the function named at a place."""
        node = self.call_node(start, end)
        return None if node is None else self._call(node)

    def role_of(self, start: int, end: int) -> NameRole:
        """Always `PLAIN`: in Python no name is key and value at once."""
        return NameRole.PLAIN

    def can_await(self, offset: int) -> bool:
        """Whether the innermost function around a place is a coroutine function."""
        function = self._innermost(offset, (cst.FunctionDef, cst.Lambda, cst.ClassDef))
        if not isinstance(function, cst.FunctionDef) or function.asynchronous is None:
            return False
        body, _ = self._spans[function.body]
        generator = self._innermost(offset, (cst.GeneratorExp,))
        return offset >= body and generator is None

    def begins_statement(self, offset: int) -> bool:
        """Never: lines end statements in Python."""
        return False

    def statement_at(self, offset: int) -> Place | None:
        """The innermost statement around a place that begins a line."""
        found = [n for n in self._around(offset) if isinstance(n, _STATEMENTS)]
        for node in sorted(found, key=lambda node: self._spans[node][0], reverse=True):
            start, end = self._spans[node]
            line = self.text.rfind("\n", 0, start) + 1
            indent = self.text[line:start]
            if not indent.strip(" \t\f"):
                alone = isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1
                return Place(line, indent, end, alone)
        return None

    def assigned_at(self, start: int, end: int) -> tuple[str, int] | None:
        """What the expression at a place is assigned to, and where that statement ends.

        None unless it is the whole value of a simple assignment to a name or an attribute.
        """
        for node, span in self._spans.items():
            if span != (start, end) or not isinstance(node, cst.BaseExpression):
                continue
            parent = self.parent(node)
            if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
                target: cst.BaseExpression = parent.targets[0].target
            elif isinstance(parent, cst.AnnAssign):
                target = parent.target
            else:
                continue
            if isinstance(target, cst.Name | cst.Attribute):
                first, last = self._spans[target]
                return self.text[first:last], self._spans[parent][1]
        return None

    def import_edits(self, module: str, names: Sequence[str]) -> list[Edit]:
        """What has to be inserted so that names of a module can be used as they are.

        They join the first import of that module, or else get a statement of their own behind the
        last import at the top of the text, or behind its docstring.
        """
        first: cst.ImportFrom | None = None
        here: set[str] = set()
        for node in self._imports_at_the_top():
            if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
                continue
            if node.module is not None and dotted_name(node.module) == module:
                first = first or node
                here |= {dotted_name(one.name) for one in node.names if one.asname is None}
        missing = sorted(set(names) - here)
        if not missing:
            return []
        if first is not None and not isinstance(first.names, cst.ImportStar):
            _, end = self._spans[first.names[-1].name]
            if first.names[-1].asname is not None:
                _, end = self._spans[first.names[-1].asname]
            return [Edit(end, end, "".join(f", {name}" for name in missing))]
        return [self._new_import(f"from {module} import {', '.join(missing)}")]

    def _imports_at_the_top(self) -> list[cst.BaseSmallStatement]:
        lines = (one for one in self._module.body if isinstance(one, cst.SimpleStatementLine))
        return [inner for line in lines for inner in line.body]

    def _new_import(self, statement: str) -> Edit:
        kinds = (cst.Import, cst.ImportFrom)
        end = self._first_line()
        for index, node in enumerate(self._module.body):
            if not isinstance(node, cst.SimpleStatementLine):
                break
            inner = node.body[0]
            is_docstring = index == 0 and isinstance(inner, cst.Expr)
            if not is_docstring and not isinstance(inner, kinds):
                break
            line = self.text.find("\n", self._spans[node][1])
            end = len(self.text) if line < 0 else line + 1
        newline = newline_of(self.text, max(end - 2, 0))
        if end == len(self.text) and end and not self.text.endswith("\n"):
            return Edit(end, end, newline + statement)
        return Edit(end, end, statement + newline)

    def _first_line(self) -> int:
        """Where the line of the first statement begins, behind the comments at the top."""
        if not self._module.body:
            return len(self.text)
        start, _ = self._spans[self._module.body[0]]
        return self.text.rfind("\n", 0, start) + 1

    def count_names(self, name: str) -> int:
        """How often an identifier occurs, attributes and keywords of that name not counted."""
        return self._counts[name]

    def attributes(self) -> list[cst.Attribute]:
        """All attributes that are used outside of imports, in order."""
        found = [
            node
            for node in self._spans
            if isinstance(node, cst.Attribute) and not self._is_imported(node)
        ]
        return sorted(found, key=lambda node: self._spans[node])

    def places_of(self, name: str) -> list[tuple[int, int]]:
        """Where an identifier stands, members and keywords of that name not among them."""
        return sorted(
            span
            for span, node in self._names.items()
            if node.value == name and not self._is_member(node)
        )

    def strings(self) -> list[str]:
        """The values of all plain strings, in no order."""
        values = (
            node.evaluated_value for node in self._spans if isinstance(node, cst.SimpleString)
        )
        return [value for value in values if isinstance(value, str)]

    def comments_in(self, start: int, end: int) -> list[str]:
        """The comments that begin in a range, in order."""
        found = [
            (place, node.value)
            for node, (place, _) in self._spans.items()
            if isinstance(node, cst.Comment) and start <= place < end
        ]
        return [comment for _, comment in sorted(found)]

    def imports(self) -> list[tuple[cst.Import | cst.ImportFrom, int, int]]:
        """All import statements, in order, each with its place."""
        found = [
            (node, *self._spans[node])
            for node in self._spans
            if isinstance(node, cst.Import | cst.ImportFrom)
        ]
        return sorted(found, key=lambda one: one[1])

    def name_at(self, start: int, end: int) -> cst.Name | None:
        """The name at a place."""
        return self._names.get((start, end))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What a node is a part of."""
        return self._parents.get(node)

    def local_name(self, start: int, end: int) -> str:
        """What something imported is called in this text, by the place of its imported name."""
        for node, span in self._spans.items():
            if isinstance(node, cst.ImportAlias) and span[0] <= start < span[1]:
                asname = node.asname
                if asname is not None and isinstance(asname.name, cst.Name):
                    return asname.name.value
                return dotted_name(node.name).partition(".")[0]
        return self.text[start:end]

    def call_node(self, start: int, end: int) -> cst.Call | None:
        """The call of the function named at a place."""
        name = self._names.get((start, end))
        function = None if name is None else self.parent(name)
        if isinstance(function, cst.Call) and function.func is name:
            return function
        call = None if function is None else self.parent(function)
        is_call = isinstance(call, cst.Call) and call.func is function
        return call if isinstance(call, cst.Call) and is_call else None

    def function_of(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The function or lambda that a node stands in, or None at the top."""
        outer = self.parent(node)
        while outer is not None and not isinstance(outer, cst.FunctionDef | cst.Lambda):
            outer = self.parent(outer)
        return outer

    def function_named(self, name: str) -> cst.FunctionDef | None:
        """The only function of a name, if nothing else of that name is defined or assigned."""
        found = [
            node
            for node in self._spans
            if isinstance(node, cst.FunctionDef) and node.name.value == name
        ]
        kinds = (cst.AssignTarget, cst.Param, cst.AsName, cst.For, cst.CompFor)
        places = (self._names[span] for span in self.places_of(name))
        is_other = any(isinstance(self.parent(place), kinds) for place in places)
        return found[0] if len(found) == 1 and not is_other else None

    def constant_named(self, name: str) -> cst.BaseExpression | None:
        """The value of a name that is assigned once, at the top of the text, or None."""
        values = [
            parent.value
            for place in self.places_of(name)
            if isinstance(target := self.parent(self._names[place]), cst.AssignTarget)
            and isinstance(parent := self.parent(target), cst.Assign)
            and self.function_of(parent) is None
        ]
        places = [self.parent(self._names[place]) for place in self.places_of(name)]
        # Anything but being handed on may change it, or make it something else.
        others = [one for one in places if not isinstance(one, cst.Arg | cst.DictElement)]
        return values[0] if len(values) == len(others) == 1 else None

    def span_of(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node of this text is."""
        return self._spans[node]

    @cached_property
    def module(self) -> cst.Module:
        """The parsed text."""
        return self._module

    @cached_property
    def _spans(self) -> dict[cst.CSTNode, tuple[int, int]]:
        """Where every node is; it takes long, and whoever only wants to parse does not need it."""
        wrapper = MetadataWrapper(self._module, unsafe_skip_copy=True)
        at = _characters(self.text)
        return {
            node: (at[span.start], at[span.start + span.length])
            for node, span in wrapper.resolve(ByteSpanPositionProvider).items()
            if isinstance(node, cst.CSTNode)
        }

    @cached_property
    def _names(self) -> dict[tuple[int, int], cst.Name]:
        return {span: node for node, span in self._spans.items() if isinstance(node, cst.Name)}

    @cached_property
    def _parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        found: dict[cst.CSTNode, cst.CSTNode] = {}
        waiting: list[cst.CSTNode] = [self._module]
        while waiting:
            node = waiting.pop()
            for child in node.children:
                found[child] = node
                waiting.append(child)
        return found

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(node.value for node in self._names.values() if not self._is_member(node))

    def _is_member(self, node: cst.Name) -> bool:
        parent = self.parent(node)
        if isinstance(parent, cst.Attribute):
            return parent.attr is node
        return isinstance(parent, cst.Arg) and parent.keyword is node

    def _is_imported(self, node: cst.CSTNode) -> bool:
        kinds = (cst.ImportAlias, cst.ImportFrom)
        parent = self.parent(node)
        while isinstance(parent, cst.Attribute):
            parent = self.parent(parent)
        return isinstance(parent, kinds)

    def _around(self, offset: int) -> list[cst.CSTNode]:
        return [node for node, (start, end) in self._spans.items() if start <= offset < end]

    def _innermost(self, offset: int, kinds: tuple[type[cst.CSTNode], ...]) -> cst.CSTNode | None:
        found = [node for node in self._around(offset) if isinstance(node, kinds)]
        return max(found, key=lambda node: self._spans[node][0], default=None)

    def _call(self, node: cst.Call) -> Call:
        start, end = self._spans[node]
        _, function_end = self._spans[node.func]
        parent = self.parent(node)
        opening = self.text.index("(", self._behind(node.func, function_end))
        return Call(
            start=start,
            end=end,
            open=opening + 1,
            close=end - 1,
            arguments=tuple(self._argument(one) for one in node.args),
            is_awaited=isinstance(parent, cst.Await),
            is_operand=isinstance(parent, _TIGHTER),
        )

    def _behind(self, node: cst.BaseExpression, end: int) -> int:
        """Where the closing parentheses around a node end; its own span is without them."""
        for _ in node.rpar:
            end = self.text.index(")", end) + 1
        return end

    def _argument(self, node: cst.Arg) -> Argument:
        start, end = self._spans[node]
        name = "" if node.keyword is None else node.keyword.value
        return Argument(start, end, name, bool(node.star))


def dotted_name(node: cst.BaseExpression) -> str:
    """`a.b.c` as text; empty for an expression that is not made of names only."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        owner = dotted_name(node.value)
        return f"{owner}.{node.attr.value}" if owner else ""
    return ""


def _characters(text: str) -> dict[int, int] | range:
    """From offsets in UTF-8 to offsets in characters."""
    if text.isascii():
        return range(len(text) + 1)
    widths = (len(character.encode()) for character in text)
    return {at: index for index, at in enumerate(accumulate(widths, initial=0))}
