"""What rules do: from a use and a rule to a change.

An action gets one use and returns a change, a note for a person (`Note`), or None where nothing is
to be done. It looks at the text around the use (`syntax`), never at other files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from mapping.rewrite.edits import Change, Edit
from mapping.rewrite.rules import RewriteRule
from mapping.rewrite.syntax import Call, NameRole, Syntax
from mapping.sources.uses import Confidence, Use, UseKind

__all__ = ["Action", "Context", "Note", "Server", "change", "change_at", "registered"]


@dataclass(frozen=True, slots=True)
class Server:
    """Where programs find the service.

    Attributes:
        url: `http` or `https`, without a path and without a slash at the end.
    """

    url: str = "http://127.0.0.1:7780"

    @property
    def signaling(self) -> str:
        """Where Twilio's JavaScript client connects."""
        return f"{self._socket}/signaling"

    @property
    def insights(self) -> str:
        """Where it tells of itself."""
        return f"{self._socket}/v1/VideoEvents"

    @property
    def _socket(self) -> str:
        return "ws" + self.url.removeprefix("http")


@dataclass(frozen=True, slots=True)
class Context:
    """What an action works on.

    Attributes:
        uses: All that the reader found in the text.
    """

    syntax: Syntax
    uses: tuple[Use, ...]
    server: Server

    @property
    def text(self) -> str:
        """The whole text."""
        return self.syntax.text


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person has to decide.

    Attributes:
        text: What, in a sentence or two.
    """

    text: str


Action: TypeAlias = Callable[[Context, Use, RewriteRule], Change | Note | None]


def registered() -> Mapping[str, Action]:
    """All actions by the name that rules give them."""
    from mapping.rewrite.corrections import correct_event
    from mapping.rewrite.server_actions import (
        connect_options,
        helper_base_url,
        helper_client_left,
    )

    return {
        **_SIMPLE,
        "connect_options": connect_options,
        "correct_event": correct_event,
        "helper_base_url": helper_base_url,
        "helper_client_left": helper_client_left,
    }


def change(use: Use, rule: RewriteRule, summary: str, *edits: Edit) -> Change:
    """A change that a rule makes for a use."""
    return Change(
        rule=rule.id,
        line=use.span.line,
        column=use.span.column,
        confidence=use.confidence,
        summary=summary,
        why=rule.why,
        edits=edits,
    )


def change_at(
    text: str, offset: int, rule: RewriteRule, summary: str, edits: Sequence[Edit]
) -> Change:
    """A change that a rule about files makes at a place."""
    return Change(
        rule=rule.id,
        line=text.count("\n", 0, offset) + 1,
        column=offset - text.rfind("\n", 0, offset),
        confidence=Confidence.EXACT,
        summary=summary,
        why=rule.why,
        edits=tuple(edits),
    )


def _note(context: Context, use: Use, rule: RewriteRule) -> Note:
    """Leave it to a person."""
    return Note(rule.note)


def _rename(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace the name, however it stands there."""
    edit = renamed(context, use, rule)
    return None if edit is None else change(use, rule, _becomes(use, rule), edit)


def _rename_imported(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace the name of something imported everywhere, or import the new one under the old.

    The former where every place that has the name is known, and the new name is free.
    """
    syntax = context.syntax
    start, end = use.span.start, use.span.end
    name, role = context.text[start:end], syntax.role_of(start, end)
    if role is NameRole.RENAMED or context.text[start - 1 : start] == ".":
        return _rename(context, use, rule)
    if name != use.symbol:
        return None
    if role is NameRole.EXPORTED:
        return change(use, rule, _becomes(use, rule), Edit(start, end, f"{rule.to} as {name}"))
    if role not in (NameRole.IMPORTED, NameRole.REQUIRED):
        return None
    others = [one for one in context.uses if (one.api, one.symbol, one.text) ==
              (use.api, use.symbol, name)]  # fmt: skip
    is_known = syntax.count_names(name) == len({one.span for one in others})
    if is_known and syntax.count_names(rule.to) == 0:
        edits = [renamed(context, one, rule) for one in others]
        return change(use, rule, _becomes(use, rule), *(one for one in edits if one is not None))
    joint = ": " if role is NameRole.REQUIRED else " as "
    return change(use, rule, _becomes(use, rule), Edit(start, end, f"{rule.to}{joint}{name}"))


def _rename_awaited(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace the name of a function that returned its value, by one that must be awaited.

    Where no `await` can stand, a rule with a note leaves it, and one without only renames.
    """
    call = _call(context, use)
    edit = renamed(context, use, rule)
    if edit is None:
        return None
    if call is None or not (call.is_awaited or context.syntax.can_await(call.start)):
        return Note(rule.note) if rule.note else change(use, rule, _becomes(use, rule), edit)
    if call.is_awaited:
        return change(use, rule, _becomes(use, rule), edit)
    if call.is_operand and "?." in context.text[call.start : call.end] and rule.note:
        return Note(rule.note)  # What follows would no longer be skipped with it.
    before, behind = ("(await ", ")") if call.is_operand else ("await ", "")
    if call.is_operand and context.syntax.begins_statement(call.start):
        before = f";{before}"
    edits = [Edit(call.start, call.start, before), edit]
    if behind:
        edits.append(Edit(call.end, call.end, behind))
    return change(use, rule, f"{use.text}() becomes await {rule.to}()", *edits)


def _to_property(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace a call without arguments by a property."""
    call = _call(context, use)
    edit = renamed(context, use, rule)
    if edit is None:
        return None
    if call is None or call.arguments:
        return Note(rule.note)
    empty = Edit(edit.end, call.end, "")
    return change(use, rule, f"{use.text}() becomes {rule.to}", edit, empty)


def _two_flags(context: Context, use: Use, rule: RewriteRule) -> Change | Note | None:
    """Replace two arguments by one that names them; the rule's value is `becomes`.

    What it calls is imported, if the rule's value `imports` names it (`module:name`).
    """
    call = _call(context, use)
    if call is None or any(one.is_spread for one in call.arguments):
        return Note(rule.note)
    if len(call.arguments) != 2 or any(one.name for one in call.arguments):
        return None
    one, other = call.arguments
    first, second = context.text[one.start : one.end], context.text[other.start : other.end]
    pattern = rule.values["becomes"]
    becomes = pattern.replace("$1", first).replace("$2", second)
    # The arguments stay where they are, and so do the comma and comments between them.
    before, _, rest = pattern.partition("$1")
    between, _, behind = rest.partition("$2")
    edits = [
        Edit(one.start, one.start, before),
        Edit(other.start, other.start, between.lstrip(", ")),
        Edit(other.end, other.end, behind),
    ]
    module, _, name = rule.values.get("imports", "").partition(":")
    if name:
        edits += context.syntax.import_edits(module, [name])
    summary = f"{use.text}({first}, {second}) takes {becomes}"
    return change(use, rule, summary, *sorted(edits))


def renamed(context: Context, use: Use, rule: RewriteRule) -> Edit | None:
    """The edit that gives a use its new name; None where it stands under a name of its own."""
    start, end = use.span.start, use.span.end
    former = use.symbol.replace("#", ".").rsplit(".", 1)[-1]
    written = context.text[start:end]
    if written == rule.to or _plain(written) != _plain(former):
        return None
    if use.kind is UseKind.EVENT:
        return Edit(start, end, rule.to)
    match context.syntax.role_of(start, end):
        case NameRole.SHORTHAND if use.kind is not UseKind.OPTION:
            return Edit(start, end, f"{written}: {rule.to}")
        case NameRole.SHORTHAND | NameRole.TAKEN:
            return Edit(start, end, f"{rule.to}: {written}")
        case (
            NameRole.PLAIN
            | NameRole.IMPORTED
            | NameRole.REQUIRED
            | NameRole.RENAMED
            | NameRole.EXPORTED
        ):
            return Edit(start, end, rule.to)


def _plain(name: str) -> str:
    """A name without the differences between snake_case and camelCase."""
    return name.replace("_", "").lower()


def _call(context: Context, use: Use) -> Call | None:
    return context.syntax.call_of(use.span.start, use.span.end)


def _becomes(use: Use, rule: RewriteRule) -> str:
    return f"{use.text} becomes {rule.to}"


_SIMPLE: Final[Mapping[str, Action]] = {
    "note": _note,
    "rename": _rename,
    "rename_awaited": _rename_awaited,
    "rename_imported": _rename_imported,
    "to_property": _to_property,
    "two_flags": _two_flags,
}
