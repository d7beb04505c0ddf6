"""Tier 2: from `twilio_compat` to `acs_core`, a file at a time, and only as a whole.

Theory of operation. A room is followed by its name, from the `connect()` that makes it through the
file: its members, its listeners, the participants that those get, the functions of the file that
either is handed to. Each place has a counterpart (`_Migration` has a method for each) or is left.
Only when nothing is left is the file rewritten; a room that is half a call would not work at all.
Otherwise each statement with something left gets a comment with the counterpart by
`mapping/data`, and the file stays as it is.

Source: `mapping/data/twilio_video`; spec of both in `twilio_compat.room` and `acs_core.Call`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst

from mapping.rewrite.actions import Context, Note, change_at
from mapping.rewrite.core_join import JoinRefusedError, JoinText, join_text
from mapping.rewrite.core_members import Left, MemberMigration
from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.notes import comment_change_at
from mapping.rewrite.python_syntax import PythonSyntax, dotted_name
from mapping.rewrite.rules import RewriteRule
from mapping.rewrite.texts import newline_of
from mapping.sources.uses import Api, Use, UseKind

__all__ = ["to_core"]

_OURS: Final = {"Room.closed": "Call.ended"}
_TYPES: Final = {"Room": "Call", "RemoteParticipant": "RemoteParticipant"}
_LONGEST_LINE: Final = 88


def to_core(context: Context, rule: RewriteRule) -> Iterator[Change]:
    """The change of a whole file, or a comment at each statement that stands in its way."""
    syntax = context.syntax
    assert isinstance(syntax, PythonSyntax)
    uses = [use for use in context.uses if use.api is Api.TWILIO_COMPAT]
    if not uses:
        return
    migration = _Migration(syntax, uses)
    edits, left = migration.run()
    if not left:
        start = migration.import_span[0]
        yield change_at(syntax.text, start, rule, "the program joins with acs_core", edits)
        return
    by_line: dict[int, list[Left]] = {}
    for one in left:
        place = syntax.statement_at(one.offset)
        by_line.setdefault(-1 if place is None else place.start, []).append(one)
    for found in by_line.values():
        texts = sorted({_told(one) for one in found})
        note = Note(f"{rule.note} {'; '.join(texts)}.")
        made = comment_change_at(syntax, found[0].offset, rule, note)
        if made is not None:
            yield made


def _told(left: Left) -> str:
    """What is left, and what it is in ACS by the rows."""
    from mapping.load import find
    from mapping.model import Vendor

    row = find(Vendor.TWILIO_VIDEO, left.symbol) if left.symbol else None
    counterpart = ", ".join(row.native) or row.acs if row is not None else _OURS.get(left.symbol)
    if not left.symbol or not counterpart or counterpart == "none":
        return left.what or left.symbol
    return f"{left.symbol} is {counterpart}"


class _Migration:
    """One file on its way."""

    def __init__(self, syntax: PythonSyntax, uses: list[Use]) -> None:
        self._syntax = syntax
        self._uses = uses
        self._edits: list[Edit] = []
        self._left: list[Left] = []
        self._names: set[str] = set()
        self._sources: set[str] = set()
        self.import_span = (0, 0)

    def run(self) -> tuple[list[Edit], list[Left]]:
        """All edits in order, and what has no counterpart."""
        members = MemberMigration(self._syntax)
        for use in self._uses:
            if use.symbol == "connect" and use.kind is not UseKind.IMPORT:
                self._connect(use, members)
            elif use.kind is UseKind.TYPE:
                self._type(use)
        members.follow()
        self._edits += members.edits
        self._left += members.left
        self._names |= members.names
        handled = {*members.seen, *(one.offset for one in self._left)}
        for use in self._uses:
            is_inner = use.kind in (UseKind.IMPORT, UseKind.TYPE, UseKind.OPTION, UseKind.EVENT)
            if not is_inner and use.symbol != "connect" and use.span.start not in handled:
                self._left.append(Left(use.span.start, use.symbol))
        self._imports()
        return sorted(self._edits), sorted(self._left)

    def _connect(self, use: Use, members: MemberMigration) -> None:
        """`room = await connect(...)`, or `async with await connect(...) as room`."""
        syntax = self._syntax
        call = syntax.call_node(use.span.start, use.span.end)
        awaited = None if call is None else syntax.parent(call)
        holder = None if awaited is None else syntax.parent(awaited)
        if call is None or not isinstance(awaited, cst.Await) or holder is None:
            self._left.append(Left(use.span.start, what="connect() that is not awaited at once"))
            return
        client, agent = self._free("client"), self._free("agent")
        try:
            room = _target(holder)
            text = join_text(syntax, call, client=client, agent=agent, room=room)
        except JoinRefusedError as error:
            self._left.append(Left(use.span.start, what=str(error)))
            return
        self._names |= text.names
        self._sources |= text.sources
        if isinstance(holder, cst.WithItem):
            self._inside(holder, text, client)
            members.add_room(room, None, None)
        else:
            self._before(holder, text, client)
            members.add_room(room, client, syntax.function_of(holder))

    def _before(self, assign: cst.CSTNode, text: JoinText, client: str) -> None:
        """Statements instead of an assignment."""
        start, end = self._syntax.span_of(assign)
        place = self._syntax.statement_at(start)
        if place is None or not place.is_alone:
            self._left.append(Left(start, what="connect() beside other statements"))
            return
        joint = newline_of(self._syntax.text, start) + place.indent
        comments = self._syntax.comments_in(start, end)
        code = joint.join([*comments, f"{client} = {text.client}", *text.lines])
        self._edits.append(Edit(start, end, code))

    def _inside(self, item: cst.WithItem, text: JoinText, client: str) -> None:
        """A call client instead of the room in the head, and the rest in the body."""
        syntax = self._syntax
        start, end = syntax.span_of(item)
        block = syntax.parent(item)
        body = block.body if isinstance(block, cst.With) else None
        if (
            not isinstance(block, cst.With)
            or len(block.items) != 1
            or not isinstance(body, cst.IndentedBlock)
        ):
            self._left.append(Left(start, what="connect() in a statement with others"))
            return
        first, _ = syntax.span_of(body.body[0])
        place = syntax.statement_at(first)
        if place is None or place.start + len(place.indent) != first:
            self._left.append(Left(start, what="connect() in a statement with others"))
            return
        newline = newline_of(syntax.text, start)
        self._edits.append(Edit(start, end, f"{text.client} as {client}"))
        lines = [*syntax.comments_in(start, end), *text.lines]
        code = "".join(f"{place.indent}{line}{newline}" for line in lines)
        self._edits.append(Edit(place.start, place.start, code))

    def _type(self, use: Use) -> None:
        name = _TYPES.get(use.symbol)
        if name is None:
            self._left.append(Left(use.span.start, use.symbol))
            return
        self._names.add(name)
        start, end = use.expression.start, use.expression.end
        if self._syntax.text[start:end].rpartition(".")[2] != use.text:
            start, end = use.span.start, use.span.end
        self._edits.append(Edit(start, end, name))

    def _imports(self) -> None:
        """One import of `twilio_compat`, which becomes those of what is used now."""
        syntax = self._syntax
        found = [
            (start, end)
            for node, start, end in syntax.imports()
            if _imports_ours(node) and isinstance(syntax.parent(node), cst.SimpleStatementLine)
        ]
        place = syntax.statement_at(found[0][0]) if found else None
        if len(found) != 1 or place is None or not place.is_alone:
            offset = found[-1][0] if found else self._uses[0].span.start
            self._left.append(Left(offset, what="imports of twilio_compat at several places"))
            return
        self.import_span = found[0]
        self._check_imported()
        newline = newline_of(syntax.text, found[0][0]) + place.indent
        lines = [*syntax.comments_in(*found[0]), _import("acs_core", self._names, newline)]
        if self._sources:
            lines.append(_import("acs_core.media.sources", self._sources, newline))
        self._edits.append(Edit(*found[0], newline.join(lines)))

    def _check_imported(self) -> None:
        """Every place that has an imported name must be one that changes."""
        if self._left:
            return  # The import stays, and so may its names.
        start, end = self.import_span
        for use in self._uses:
            if use.kind is not UseKind.IMPORT:
                continue
            local = self._syntax.local_name(use.span.start, use.span.end)
            for place, _ in self._syntax.places_of(local):
                is_changed = any(one.start <= place < one.end for one in self._edits)
                if not start <= place < end and not is_changed:
                    self._left.append(Left(place, use.symbol if use.symbol != "*" else "", local))

    def _free(self, name: str) -> str:
        """A name for a variable that nothing in the file has."""
        for candidate in (name, f"call_{name}", f"acs_{name}"):
            if self._syntax.count_names(candidate) == 0:
                return candidate
        return f"acs_core_{name}"


def _target(holder: cst.CSTNode) -> str:
    """The variable that the room gets.

    Raises:
        JoinRefusedError: It is no plain variable.
    """
    target: cst.CSTNode | None = None
    if isinstance(holder, cst.Assign) and len(holder.targets) == 1:
        target = holder.targets[0].target
    elif isinstance(holder, cst.WithItem) and holder.asname is not None:
        target = holder.asname.name
    if not isinstance(target, cst.Name):
        raise JoinRefusedError("a room that is not kept in a variable")
    return target.value


def _imports_ours(node: cst.Import | cst.ImportFrom) -> bool:
    if isinstance(node, cst.ImportFrom):
        return node.module is not None and dotted_name(node.module).startswith("twilio_compat")
    return any(dotted_name(one.name).startswith("twilio_compat") for one in node.names)


def _import(module: str, names: set[str], newline: str) -> str:
    """An import of sorted names, over several lines if it is long."""
    line = f"from {module} import {', '.join(sorted(names))}"
    if len(line) <= _LONGEST_LINE:
        return line
    inner = "".join(f"{newline}    {name}," for name in sorted(names))
    return f"from {module} import ({inner}{newline})"
