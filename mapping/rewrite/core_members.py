"""Tier 2: what a program does with a room and its participants, in the words of `acs_core`.

Names are followed through a file, not values: a name that is a room in one place must be one in
all, and a place that is not understood is left for a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import libcst as cst

from mapping.rewrite.edits import Edit
from mapping.rewrite.legacy import snake_case
from mapping.rewrite.python_syntax import PythonSyntax, dotted_name

__all__ = ["Left", "MemberMigration", "Role"]


class Role(StrEnum):
    """What a name stands for."""

    ROOM = "Room"
    PARTICIPANT = "RemoteParticipant"
    ERROR = "TwilioError"


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """A place that is left for a person.

    Attributes:
        offset: Where.
        symbol: Twilio's name of it; empty if it is none.
        what: In words, if it has no name.
    """

    offset: int
    symbol: str = ""
    what: str = ""


_ADDED_OR_REMOVED: Final = {
    "participantConnected": "added",
    "participantDisconnected": "removed",
}
_RECONNECTION: Final = {"reconnecting": (Role.ERROR,), "reconnected": ()}
_MUTE: Final = {"disable": "mute", "enable": "unmute"}
_AUDIO: Final = r"\.local_?[pP]articipant\.audio_?[tT]racks"
_MUTE_LOOP: Final = re.compile(
    rf"for (\w+) in (\w+){_AUDIO}\.values\(\):\s*\1\.track\.(disable|enable)\(\)\s*"
)
_MUTE_EACH: Final = re.compile(
    rf"(\w+){_AUDIO}\.for_?[eE]ach\(\s*lambda (\w+): \2\.track\.(disable|enable)\(\)\s*\)"
)


class MemberMigration:
    """Follows rooms and participants through one file.

    Attributes:
        edits: What changes, in no order.
        left: What has no counterpart.
        seen: Offsets of the members that were looked at.
        names: What is needed of `acs_core` for that.
    """

    def __init__(self, syntax: PythonSyntax) -> None:
        self.edits: list[Edit] = []
        self.left: list[Left] = []
        self.seen: set[int] = set()
        self.names: set[str] = set()
        self._syntax = syntax
        self._roles: dict[str, Role] = {}
        self._clients: dict[str, tuple[str, cst.CSTNode | None]] = {}
        self._done: set[tuple[int, int]] = set()
        self._muted: list[tuple[int, int]] = []

    def add_room(self, name: str, client: str | None, function: cst.CSTNode | None) -> None:
        """Follow a variable that holds a room.

        Args:
            name: Of the variable.
            client: Of the variable with the call client that has to be disposed with it; None
                where a block does that.
            function: The function that has both.
        """
        self._roles[name] = Role.ROOM
        if client is not None:
            self._clients[name] = (client, function)

    def follow(self) -> None:
        """Look at every place that has one of the names, and at the names that come from there."""
        for name in self._roles:
            self._mute_loops(name)
        while True:
            places = [
                (span, name, role)
                for name, role in self._roles.items()
                for span in self._syntax.places_of(name)
                if span not in self._done
            ]
            if not places:
                return
            for span, name, role in places:
                self._done.add(span)
                if not any(start <= span[0] < end for start, end in self._muted):
                    self._place(span, name, role)

    def _place(self, span: tuple[int, int], name: str, role: Role) -> None:
        syntax = self._syntax
        node = syntax.name_at(*span)
        parent = None if node is None else syntax.parent(node)
        if node is None or isinstance(
            parent, cst.Param | cst.AssignTarget | cst.AsName | cst.For | cst.CompFor
        ):
            return
        if isinstance(parent, cst.Attribute) and parent.value is node:
            self._member(parent, name, role)
        elif isinstance(parent, cst.Arg) and self._is_handed_on(parent, role):
            return
        else:
            self.left.append(Left(span[0], what=f"{name} is used in a way that is not known"))

    def _member(self, node: cst.Attribute, name: str, role: Role) -> None:
        start, end = self._syntax.span_of(node.attr)
        self.seen.add(start)
        member = snake_case(node.attr.value)
        is_known = False
        if role is Role.ROOM:
            match member:
                case "on" | "once":
                    is_known = self._listener(node, name, member)
                case "disconnect":
                    is_known = self._disconnect(node, name)
                case "closed":
                    self.edits.append(Edit(start, end, "ended"))
                    is_known = isinstance(self._syntax.parent(node), cst.Call)
                case "participants":
                    is_known = self._participants(node)
                case _:
                    is_known = False
        elif role is Role.PARTICIPANT and member == "identity":
            self.edits.append(Edit(start, end, "display_name"))
            is_known = True
        elif role is Role.ERROR and member == "message":
            is_known = True  # Errors of both have it.
        if not is_known:
            self.left.append(Left(start, self._symbol(node, role)))

    def _symbol(self, node: cst.Attribute, role: Role) -> str:
        """Twilio's name of a member, or of the event that it listens to."""
        owner = "Participant" if role is Role.PARTICIPANT else role.value
        call = self._syntax.parent(node)
        if node.attr.value in ("on", "once") and isinstance(call, cst.Call) and call.args:
            event = call.args[0].value
            if isinstance(event, cst.SimpleString):
                return f"{owner}#{_camel(str(event.evaluated_value))}"
        return f"{owner}.{_camel(node.attr.value)}"

    # ------------------------------------------------------------ events

    def _listener(self, node: cst.Attribute, name: str, method: str) -> bool:
        call = self._syntax.parent(node)
        if not isinstance(call, cst.Call) or len(call.args) != 2:
            return False
        event, listener = call.args[0].value, call.args[1].value
        if not isinstance(event, cst.SimpleString) or call.args[1].keyword is not None:
            return False
        word = _camel(str(event.evaluated_value))
        if word in _ADDED_OR_REMOVED and method == "on":
            return self._for_each(event, listener, _ADDED_OR_REMOVED[word])
        if word == "disconnected":
            return self._at_the_end(node, event, listener, name)
        if word in _RECONNECTION:
            return self._reconnection(node, listener, _RECONNECTION[word])
        return False

    def _reconnection(
        self, node: cst.Attribute, listener: cst.BaseExpression, roles: Sequence[Role]
    ) -> bool:
        """An event that a feature of the call has under the same name, with the same arguments."""
        if self._parameters(listener, roles) is None:
            return False
        start, _ = self._syntax.span_of(node.attr)
        self.edits.append(Edit(start, start, "feature(Features.RECONNECTION)."))
        self.names.add("Features")
        return True

    def _for_each(
        self, event: cst.SimpleString, listener: cst.BaseExpression, collection: str
    ) -> bool:
        """One call for each participant that an update of the call brings or takes."""
        if self._syntax.count_names("update"):
            return False
        known = self._parameters(listener, [Role.PARTICIPANT])
        if known is None or len(known) != 1:
            return False
        self._rename_event(event, "remoteParticipantsUpdated")
        start, end = self._syntax.span_of(listener)
        if isinstance(listener, cst.Lambda):
            body, body_end = self._syntax.span_of(listener.body)
            self.edits.append(Edit(start, body, "lambda update: ["))
            tail = f" for {known[0]} in update.{collection}]"
            self.edits.append(Edit(body_end, end, tail))
            return not listener.body.lpar
        function = self._syntax.text[start:end]
        text = f"lambda update: [{function}(one) for one in update.{collection}]"
        self.edits.append(Edit(start, end, text))
        return self._syntax.count_names("one") == 0

    def _at_the_end(
        self, node: cst.Attribute, event: cst.SimpleString, listener: cst.BaseExpression, name: str
    ) -> bool:
        """A listener that looks whether the call is over; it is over once."""
        known = self._parameters(listener, [Role.ROOM, Role.ERROR])
        if known is None:
            return False
        self._rename_event(event, "stateChanged")
        self.edits.append(Edit(*self._syntax.span_of(node.attr), "on"))
        start, end = self._syntax.span_of(listener)
        given = ", ".join([name, f"{name}.error"][: len(known)])
        function = "({})" if isinstance(listener, cst.Lambda) else "{}"
        before, behind = function.split("{}")
        self.edits.append(Edit(start, start, f"lambda: {before}"))
        over = f'{behind}({given}) if {name}.state == "Disconnected" else None'
        self.edits.append(Edit(end, end, over))
        return True

    def _rename_event(self, event: cst.SimpleString, name: str) -> None:
        start, end = self._syntax.span_of(event)
        quote = self._syntax.text[start]
        self.edits.append(Edit(start, end, f"{quote}{name}{quote}"))

    def _parameters(self, listener: cst.BaseExpression, roles: Sequence[Role]) -> list[str] | None:
        """The names that a plain function gives to its arguments, which are followed from here.

        None for what is no function of this file, takes more, or is a coroutine function.
        """
        function: cst.Lambda | cst.FunctionDef | None = None
        if isinstance(listener, cst.Lambda):
            function = listener
        elif isinstance(listener, cst.Name):
            function = self._syntax.function_named(listener.value)
        if function is None:
            return None
        if isinstance(function, cst.FunctionDef) and function.asynchronous is not None:
            return None
        params = function.params
        if params.kwonly_params or params.star_kwarg or isinstance(params.star_arg, cst.Param):
            return None
        names = [one.name.value for one in params.params]
        if len(names) > len(roles):
            return None
        for name, role in zip(names, roles, strict=False):
            if self._roles.setdefault(name, role) is not role:
                return None
        return names

    # ------------------------------------------------------------ the rest

    def _disconnect(self, node: cst.Attribute, name: str) -> bool:
        """`room.disconnect()`, a statement in the coroutine that made the room."""
        syntax = self._syntax
        call = syntax.parent(node)
        statement = None if call is None else syntax.parent(call)
        if not isinstance(call, cst.Call) or not isinstance(statement, cst.Expr) or call.args:
            return False
        start, end = syntax.span_of(call)
        place = syntax.statement_at(start)
        if not syntax.can_await(start) or place is None or not place.is_alone:
            return False
        lines = [f"await {name}.hang_up()"]
        client, function = self._clients.get(name, ("", None))
        if client:
            if syntax.function_of(node) is not function:
                return False
            lines.append(f"await {client}.dispose()")
        newline = "\r\n" if "\r\n" in syntax.text else "\n"
        self.edits.append(Edit(start, end, f"{newline}{place.indent}".join(lines)))
        return True

    def _participants(self, node: cst.Attribute) -> bool:
        """`len(room.participants)`, and loops over `room.participants.values()`."""
        syntax = self._syntax
        start, end = syntax.span_of(node.attr)
        outer = syntax.parent(node)
        if isinstance(outer, cst.Arg):
            called = syntax.parent(outer)
            is_length = isinstance(called, cst.Call) and dotted_name(called.func) == "len"
            self.edits.append(Edit(start, end, "remote_participants"))
            return is_length
        call = None if outer is None else syntax.parent(outer)
        is_values = isinstance(outer, cst.Attribute) and outer.attr.value == "values"
        if not is_values or not isinstance(call, cst.Call) or call.args:
            return False
        loop = syntax.parent(call)
        if not isinstance(loop, cst.For | cst.CompFor) or loop.iter is not call:
            return False
        if not isinstance(loop.target, cst.Name):
            return False
        self.edits.append(Edit(start, syntax.span_of(call)[1], "remote_participants"))
        role = self._roles.setdefault(loop.target.value, Role.PARTICIPANT)
        return role is Role.PARTICIPANT

    def _is_handed_on(self, argument: cst.Arg, role: Role) -> bool:
        """Whether a name is given to a function of this file, whose parameter is followed then."""
        call = self._syntax.parent(argument)
        if not isinstance(call, cst.Call) or argument.keyword is not None or argument.star:
            return False
        function = self._syntax.function_named(dotted_name(call.func))
        if function is None:
            return False
        index = [one is argument for one in call.args].index(True)
        params = function.params.params
        if index >= len(params) or any(one.star for one in call.args[:index]):
            return False
        return self._roles.setdefault(params[index].name.value, role) is role

    def _mute_loops(self, room: str) -> None:
        """Loops that disable or enable all audio tracks of the program, as statements."""
        for pattern, groups in ((_MUTE_LOOP, (2, 3)), (_MUTE_EACH, (1, 3))):
            for match in pattern.finditer(self._syntax.text):
                owner, verb = (match[group] for group in groups)
                start, end = match.start(), match.start() + len(match[0].rstrip())
                place = self._syntax.statement_at(start)
                is_line = place is not None and place.start + len(place.indent) == start
                if owner != room or not is_line or not self._syntax.can_await(start):
                    continue
                self.edits.append(Edit(start, end, f"await {room}.{_MUTE[verb]}()"))
                self._muted.append((start, end))
                self.seen |= set(range(start, end))


def _camel(name: str) -> str:
    """Twilio's spelling of a name."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
