"""The surroundings of a name in a JavaScript or TypeScript text, by ast-grep's tree-sitter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ast_grep_py import SgNode, SgRoot

from mapping.rewrite.edits import Edit
from mapping.rewrite.syntax import Argument, Call, Language, NameRole, Place

__all__ = ["JavaScriptSyntax", "ObjectLiteral"]

_BLOCKS: Final = frozenset(
    {"program", "statement_block", "class_body", "switch_case", "switch_default"}
)
_FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",
        "generator_function",
        "generator_function_declaration",
        "class_static_block",
        "field_definition",
        "public_field_definition",
    }
)
_NAMES: Final = frozenset({"identifier", "type_identifier", "shorthand_property_identifier"})
_CALLS: Final = frozenset({"call_expression", "new_expression"})
_SCRIPT: Final = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
_TYPED: Final = re.compile(r"\blang\s*=\s*[\"']?tsx?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ObjectLiteral:
    """An object written out.

    Attributes:
        start: Offset of `{`.
        end: Offset behind `}`.
        keys: Names of its members, those of objects spread in it too if they are written out.
        last_end: Where its last member ends; None without members.
        comma_end: Where the comma behind the last member ends; None without one.
        last_start: Where its last member begins.
    """

    start: int
    end: int
    keys: frozenset[str]
    last_start: int | None
    last_end: int | None
    comma_end: int | None


class JavaScriptSyntax:
    """A parsed text; offsets are characters.

    Args:
        text: All of it.
        language: What it is in.
        is_page: Whether it has scripts between `<script>` and `</script>`.
    """

    def __init__(self, text: str, language: Language, *, is_page: bool = False) -> None:
        self.text = text
        self.language = language
        source = text
        if is_page:
            source, self.language = _scripts_only(text)
        self._root = SgRoot(source, str(self.language)).root()

    def problems(self) -> int:
        """Places that the grammar has no rule for, and tokens that it misses."""
        return sum(1 for node in _walk(self._root) if _is_problem(node))

    def call_of(self, start: int, end: int) -> Call | None:
        """The call of the function named at a place."""
        name = self._at(start, end)
        if name is None:
            return None
        function = name
        parent = name.parent()
        while parent is not None and parent.kind() in ("member_expression", "non_null_expression"):
            if parent.range().end.index != end:
                break
            function, parent = parent, parent.parent()
        if parent is None or parent.kind() not in _CALLS:
            return None
        called = parent.field("function") or parent.field("constructor")
        if called is None or _span(called) != _span(function):
            return None
        return _call(parent)

    def role_of(self, start: int, end: int) -> NameRole:
        """How the name at a place stands there."""
        name = self._at(start, end)
        parent = None if name is None else name.parent()
        if name is None or parent is None:
            return NameRole.PLAIN
        if parent.kind() in ("import_specifier", "export_specifier"):
            if parent.field("alias") is not None:
                return NameRole.RENAMED
            is_import = parent.kind() == "import_specifier"
            return NameRole.IMPORTED if is_import else NameRole.EXPORTED
        if name.kind() == "shorthand_property_identifier":
            return NameRole.SHORTHAND
        if name.kind() == "shorthand_property_identifier_pattern":
            return NameRole.REQUIRED if _is_required(name) else NameRole.TAKEN
        if parent.kind() == "pair_pattern" and _is_required(name):
            return NameRole.RENAMED
        return NameRole.PLAIN

    def can_await(self, offset: int) -> bool:
        """Whether the innermost function around a place is `async`."""
        for node in self._around(offset):
            if node.kind() in _FUNCTIONS:
                given = node.field("parameters") or node.field("parameter")
                if given is not None and _has(given, offset):
                    return False  # Defaults of parameters cannot wait.
                return any(child.kind() == "async" for child in node.children())
        return False

    def begins_statement(self, offset: int) -> bool:
        """Whether a parenthesis inserted at a place would be taken for a call of what is before."""
        before = self.text[:offset].rstrip()
        is_first = any(
            node.kind() == "expression_statement" and _span(node)[0] == offset
            for node in self._around(offset)
        )
        return is_first and bool(before) and before[-1] not in ";{}"

    def statement_at(self, offset: int) -> Place | None:
        """The innermost statement around a place that begins a line."""
        for node in self._around(offset):
            parent = node.parent()
            if parent is None or parent.kind() not in _BLOCKS or not node.is_named():
                continue
            start, end = _span(node)
            line = self.text.rfind("\n", 0, start) + 1
            indent = self.text[line:start]
            if not indent.strip():
                following = self.text[end:].split("\n", 1)[0].strip()
                return Place(line, indent, end, not following or following.startswith("//"))
        return None

    def import_edits(self, module: str, names: Sequence[str]) -> list[Edit]:
        """Not for this language: no rule needs it.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"imports of {module} are not added to JavaScript")

    def count_names(self, name: str) -> int:
        """How often an identifier occurs, members of that name not counted."""
        return self._counts[name]

    def object_at(self, start: int, end: int) -> ObjectLiteral | None:
        """The object written out at a place; a type assertion around it does not count."""
        node = self._at(start, end, innermost=False)
        while node is not None and node.kind() in (
            "as_expression", "satisfies_expression", "parenthesized_expression",
        ):  # fmt: skip
            node = next((child for child in node.children() if child.is_named()), None)
        if node is None or node.kind() != "object":
            return None
        return _object(node)

    def keys_of(self, variable: str) -> frozenset[str]:
        """The members that a variable is seen to have: written out, or assigned one by one."""
        keys: set[str] = set()
        for node in _walk(self._root):
            name, value = node.field("name"), node.field("value")
            left = node.field("left")
            if node.kind() == "variable_declarator" and name is not None and value is not None:
                if name.text() == variable and (written := self.object_at(*_span(value))):
                    keys |= written.keys
            elif node.kind() == "assignment_expression" and left is not None:
                owner, _, member = left.text().rpartition(".")
                if owner == variable:
                    keys.add(member)
        return frozenset(keys)

    def calls_of_module(self, local: str, module: str) -> list[Call]:
        """Calls of what a module exports as a whole, by its local name or right as required.

        Calls with `new` are among them.
        """
        names = re.compile(rf"{re.escape(local)}|require\(\s*['\"]{re.escape(module)}['\"]\s*\)")
        found = []
        for node in _walk(self._root):
            if node.kind() not in _CALLS:
                continue
            function = node.field("function") or node.field("constructor")
            if function is not None and names.fullmatch(function.text()):
                found.append(_call(node))
        return sorted((one for one in found if one is not None), key=lambda one: one.start)

    def assigned_at(self, start: int, end: int) -> tuple[str, int] | None:
        """What the expression at a place is assigned to, and where that statement ends.

        None unless it is the whole value of a simple declaration or assignment.
        """
        node = self._at(start, end, innermost=False)
        parent = None if node is None else node.parent()
        if parent is None:
            return None
        target = {"variable_declarator": "name", "assignment_expression": "left"}
        field = target.get(parent.kind())
        value = parent.field("value") or parent.field("right")
        if field is None or value is None or _span(value) != (start, end):
            return None
        name, statement = parent.field(field), parent.parent()
        simple = ("identifier", "member_expression")
        if name is None or statement is None or name.kind() not in simple:
            return None
        if statement.kind() == "expression_statement" or (
            statement.kind() in ("lexical_declaration", "variable_declaration")
            and sum(child.kind() == "variable_declarator" for child in statement.children()) == 1
        ):
            outer = statement.parent()
            if outer is not None and outer.kind() == "export_statement":
                statement = outer
            return name.text(), statement.range().end.index
        return None

    @cached_property
    def _counts(self) -> Counter[str]:
        names = _NAMES | {"shorthand_property_identifier_pattern"}
        return Counter(node.text() for node in _walk(self._root) if node.kind() in names)

    def _around(self, offset: int) -> list[SgNode]:
        """The nodes around a place, the innermost one first."""
        path = [self._root]
        while True:
            inner = next((c for c in path[-1].children() if _has(c, offset)), None)
            if inner is None:
                return path[::-1]
            path.append(inner)

    def _at(self, start: int, end: int, *, innermost: bool = True) -> SgNode | None:
        found = [node for node in self._around(start) if _span(node) == (start, end)]
        if not found:
            return None
        return found[0] if innermost else found[-1]


def _scripts_only(text: str) -> tuple[str, Language]:
    """The text with everything blanked that is no script; offsets stay."""
    parts: list[str] = []
    end = 0
    language = Language.JAVASCRIPT
    for match in _SCRIPT.finditer(text):
        parts += (_blank(text[end : match.start(2)]), match[2])
        end = match.end(2)
        if _TYPED.search(match[1]):
            language = Language.TYPESCRIPT
    return "".join([*parts, _blank(text[end:])]), language


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _walk(node: SgNode) -> Iterator[SgNode]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children()


def _is_problem(node: SgNode) -> bool:
    if node.kind() == "ERROR":
        return True
    start, end = _span(node)
    # What tree-sitter adds to go on, such as a closing parenthesis, has no characters.
    return start == end and node.is_leaf() and node.kind() != "program"


def _span(node: SgNode) -> tuple[int, int]:
    place = node.range()
    return place.start.index, place.end.index


def _has(node: SgNode, offset: int) -> bool:
    start, end = _span(node)
    return start <= offset < end


def _call(node: SgNode) -> Call | None:
    arguments = node.field("arguments")
    if arguments is None or arguments.kind() != "arguments":
        return None
    start, end = _span(node)
    opening, closing = _span(arguments)
    parent = node.parent()
    kind = "" if parent is None else parent.kind()
    given = [one for one in arguments.children() if one.is_named() and one.kind() != "comment"]
    return Call(
        start=start,
        end=end,
        open=opening + 1,
        close=closing - 1,
        arguments=tuple(
            Argument(*_span(one), is_spread=one.kind() == "spread_element") for one in given
        ),
        is_awaited=kind == "await_expression",
        is_operand=kind in ("member_expression", "subscript_expression", "non_null_expression")
        or kind in _CALLS,
    )


def _is_required(name: SgNode) -> bool:
    """Whether a name is taken out of a module, as in `const { name } = require("module")`."""
    for node in name.ancestors():
        if node.kind() == "variable_declarator":
            value = node.field("value")
            return value is not None and bool(
                re.match(r"(await\s+import|require)\s*\(", value.text())
            )
    return False


def _object(node: SgNode) -> ObjectLiteral:
    members = [one for one in node.children() if one.is_named() and one.kind() != "comment"]
    keys = set()
    for one in members:
        key = one.field("key") or one.field("name")
        if one.kind() == "shorthand_property_identifier":
            keys.add(one.text())
        elif key is not None:
            keys.add(key.text().strip("'\""))
        elif one.kind() == "spread_element":
            spread = next((child for child in one.children() if child.kind() == "object"), None)
            keys |= set() if spread is None else _object(spread).keys
    start, end = _span(node)
    last = members[-1] if members else None
    comma = None if last is None else last.next()
    has_comma = comma is not None and comma.kind() == ","
    return ObjectLiteral(
        start=start,
        end=end,
        keys=frozenset(keys),
        last_start=None if last is None else _span(last)[0],
        last_end=None if last is None else _span(last)[1],
        comma_end=_span(comma)[1] if comma is not None and has_comma else None,
    )
