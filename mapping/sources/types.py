"""What the classes of an API have: members, events, options and what those give.

Read from `mapping/data/types/*.json`, one file per package, which hold the vendors' declared
names. A name is written as `mapping/data` writes it: with the class that declares it, so that
`RemoteParticipant.identity` is `Participant.identity`.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mapping.sources.uses import Api
from mapping.sources.values import Kind, Value, join

__all__ = [
    "DECLARED_WIDER",
    "EMITTING",
    "Found",
    "TypeTable",
    "api_of_module",
    "api_of_package",
    "global_names",
    "is_foreign",
    "table",
]

_FILES: Final = {
    Api.TWILIO_VIDEO: ("twilio_video",),
    Api.TWILIO_PROCESSORS: ("video_processors",),
    Api.ACS_CALLING: ("acs_calling", "acs_calling_beta"),
    Api.ACS_COMMON: ("acs_common",),
    Api.ACS_IDENTITY: ("acs_identity",),
    Api.ACS_OTHER: ("acs_effects",),
    Api.VIDEOSDK: ("videosdk",),
    Api.TWILIO_HELPER: ("twilio_helper",),
    Api.TWILIO_COMPAT: ("twilio_video",),
    Api.ACS_CORE: ("acs_calling", "acs_calling_beta", "acs_common", "acs_effects"),
}

_PYTHON: Final = (
    ("twilio_compat", Api.TWILIO_COMPAT),
    ("acs_core", Api.ACS_CORE),
    ("twilio_video", Api.TWILIO_VIDEO),
    ("twilio.video", Api.TWILIO_VIDEO),
    ("twilio", Api.TWILIO_HELPER),
    ("azure.communication.identity", Api.ACS_IDENTITY),
    ("azure.communication.rooms", Api.ACS_ROOMS),
    ("azure.communication.callautomation", Api.ACS_CALL_AUTOMATION),
    ("azure.communication", Api.ACS_OTHER),
    ("videosdk", Api.VIDEOSDK),
)

_PACKAGES: Final = {
    "twilio-video": Api.TWILIO_VIDEO,
    "@twilio/video-processors": Api.TWILIO_PROCESSORS,
    "twilio": Api.TWILIO_HELPER,
    "@azure/communication-calling": Api.ACS_CALLING,
    "@azure/communication-common": Api.ACS_COMMON,
    "@azure/communication-identity": Api.ACS_IDENTITY,
    "@azure/communication-rooms": Api.ACS_ROOMS,
    "@azure/communication-call-automation": Api.ACS_CALL_AUTOMATION,
    "@videosdk.live/js-sdk": Api.VIDEOSDK,
    "@videosdk.live/react-sdk": Api.VIDEOSDK,
    "@videosdk.live/react-native-sdk": Api.VIDEOSDK,
}

DECLARED_WIDER: Final = "declared as a class that it extends"
"""Why a member of `Found.is_narrower` is no more than likely."""

EMITTING: Final = frozenset(
    {
        "on",
        "once",
        "off",
        "addListener",
        "removeListener",
        "prependListener",
        "prependOnceListener",
        "removeAllListeners",
        "addEventListener",
        "removeEventListener",
    }
)
"""Methods whose first argument names an event."""


@cache
def api_of_package(package: str) -> Api | None:
    """Whose package it is, also of a path inside one (`twilio-video/lib/room`), or None."""
    if package in _PACKAGES:
        return _PACKAGES[package]
    if package.startswith("@azure/communication-"):
        return Api.ACS_OTHER
    parts = package.split("/")
    name = "/".join(parts[:2]) if package.startswith("@") else parts[0]
    return _PACKAGES.get(name) if name != package else None


@cache
def is_foreign(package: str) -> bool:
    """Whether a package is known to have objects of such names that are no SDK's."""
    text = (files("mapping") / "data" / "other_libraries.toml").read_text(encoding="utf-8")
    return any(fnmatchcase(package, each) for each in tomllib.loads(text)["packages"])


def api_of_module(module: str) -> Api | None:
    """Whose Python module it is, or None."""
    for prefix, api in _PYTHON:
        if module == prefix or module.startswith(prefix + "."):
            return api
    return None


def global_names() -> dict[str, Value]:
    """What a script element makes global: `Twilio.Video`, `VideoSDK`; keys are dotted."""
    return {
        "Twilio.Video": Value(Api.TWILIO_VIDEO, Kind.MODULE),
        "Twilio.VideoProcessors": Value(Api.TWILIO_PROCESSORS, Kind.MODULE),
        "VideoSDK.VideoSDK": Value(Api.VIDEOSDK, Kind.CLASS, "VideoSDK"),
        "VideoSDK": Value(Api.VIDEOSDK, Kind.CLASS, "VideoSDK"),
    }


@dataclass(frozen=True, slots=True)
class Found:
    """A member that a table knows.

    Attributes:
        symbol: Its name with the class that declares it.
        value: What it is, or for a method what it is when called; None where that is no API's.
        is_method: Whether it is called.
        parameters: Of a method, what the arguments are.
        is_known: False when the class has no such member.
        is_narrower: Whether only classes that extend it have the member: programs declare
            `Participant` where a `RemoteParticipant` comes.
    """

    symbol: str
    value: Value | None = None
    is_method: bool = False
    parameters: tuple[Value | None, ...] = ()
    is_known: bool = True
    is_narrower: bool = False


@dataclass
class TypeTable:
    """The types of one API; `table` gives it."""

    api: Api
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    functions: dict[str, list[str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Value | None] = field(default_factory=dict)
    _found: dict[tuple[str, str, bool], Found] = field(default_factory=dict)
    _heirs: dict[str, list[str]] = field(default_factory=dict)

    def add(self, data: dict[str, Any]) -> None:
        """Add the content of a file; what an earlier file said stays."""
        for name, row in data["functions"].items():
            self.functions.setdefault(name, row)
        for name, row in data["constants"].items():
            self.constants.setdefault(name, row)
        is_first = not self.types
        for name, row in data["types"].items():
            known = self.types.setdefault(name, {})
            for key, content in row.items():
                if isinstance(content, dict):
                    merged = known.setdefault(key, {})
                    for member, what in content.items():
                        found = self.member(name, member)
                        is_new = not found.is_known or found.is_narrower
                        if is_first or key != "members" or is_new:
                            merged.setdefault(member, what)
                elif not known.get("members") or key in ("class",):
                    known.setdefault(key, content)
        self._values.clear()
        self._found.clear()
        self._heirs.clear()

    def exported(self, name: str) -> Value | None:
        """What the package exports under a name, or None."""
        if name in self.functions:
            return Value(self.api, Kind.FUNCTION, name)
        if name in self.constants:
            value = self.value_of(self.constants[name])
            if value is None:
                return Value(self.api, Kind.RECORD, name)
            return replace(value, name=name) if value.kind is Kind.RECORD else value
        if name in self.types:
            return Value(self.api, Kind.CLASS, name)
        return None

    def value_of(self, text: str) -> Value | None:
        """The value that an expression of a type stands for, or None."""
        if text not in self._values:
            self._values[text] = _Parser(self, text).read() if text else None
        return self._values[text]

    def is_options(self, name: str) -> bool:
        """Whether the type is a bag of options."""
        return bool(self.types.get(name, {}).get("options"))

    def is_bag(self, name: str) -> bool:
        """Whether literals of the type are written in programs: options, and records of values."""
        row = self.types.get(name, {})
        return bool(row.get("options")) or (
            "class" not in row
            and "events" not in row
            and all(isinstance(each, str) for each in row.get("members", {}).values())
        )

    def is_open(self, name: str) -> bool:
        """Whether it extends a type that is not of this API, and so has members not listed."""
        return any(
            base.split("<")[0] not in self.types
            for each in self.lineage(name)
            for base in self.types[each].get("extends", ())
        )

    def lineage(self, name: str) -> list[str]:
        """The class and those it extends, nearest first."""
        found: list[str] = []
        todo = [name]
        while todo:
            each = todo.pop(0)
            if each in self.types and each not in found:
                found.append(each)
                todo.extend(base.split("<")[0] for base in self.types[each].get("extends", ()))
        return found

    def member(self, owner: str, name: str, *, static: bool = False) -> Found:
        """The member of a class; `is_known` says whether there is one."""
        key = (owner, name, static)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._member(owner, name, static)
        return found

    def _member(self, owner: str, name: str, static: bool) -> Found:
        own = self._member_of(self.lineage(owner), name, "static" if static else "members")
        if own is not None:
            return own
        heirs = () if static else self.heirs(owner)
        found = [each for heir in heirs if (each := self._member_of([heir], name, "members"))]
        if not found:
            return Found(f"{owner}.{name}", is_known=False)
        value: Value | None = None
        for each in found:
            value = join(value, each.value)
        return replace(found[0], value=value, is_narrower=True)

    def _member_of(self, classes: list[str], name: str, part: str) -> Found | None:
        for each in classes:
            row = self.types[each].get(part, {}).get(name)
            if row is None:
                continue
            symbol = f"{_public(each)}.{name}"
            if isinstance(row, str):
                return Found(symbol, self.value_of(row))
            parameters = tuple(self.value_of(text) for text in row[1:])
            return Found(symbol, self.value_of(row[0]), True, parameters)
        return None

    def heirs(self, name: str) -> list[str]:
        """The classes that extend a class, nearest first; none of what every emitter extends."""
        if name not in self._heirs:
            lines = {each: self.lineage(each) for each in self.types if each != name}
            found = [each for each, line in lines.items() if name in line]
            found.sort(key=lambda each: lines[each].index(name))
            self._heirs[name] = [] if name == "EventEmitter" else found
        return self._heirs[name]

    def instance(self, name: str) -> Value:
        """An object of a class, also of one that the tables do not have."""
        return self.value_of(name) or Value(self.api, Kind.INSTANCE, name)

    def constructor(self, owner: str) -> tuple[Value | None, ...]:
        """What the arguments of a constructor are."""
        row = self.types.get(owner, {}).get("members", {}).get("constructor", [""])
        return tuple(self.value_of(text) for text in row[1:])

    def event(self, owner: str, name: str) -> Found:
        """The event of a class, its arguments as `parameters`."""
        line = self.lineage(owner)
        for each in (*line, *self.heirs(owner)):
            row = self.types[each].get("events", {}).get(name)
            if row is not None:
                given = tuple(map(self.value_of, row))
                symbol = f"{_public(each)}#{name}"
                return Found(symbol, None, False, given, is_narrower=each not in line)
        return Found(f"{owner}#{name}", is_known=False)

    def has_events(self, owner: str) -> bool:
        """Whether objects of the class emit anything."""
        return any("events" in self.types[each] for each in self.lineage(owner))

    def events(self, owner: str) -> list[str]:
        """The names of all events of a class, sorted."""
        return sorted(
            {name for each in self.lineage(owner) for name in self.types[each].get("events", ())}
        )


def _public(owner: str) -> str:
    """The class that applications speak of: ACS declares much in a `...Common` of two classes."""
    return owner.removesuffix("Common")


class _Parser:
    """Reads the type expressions of the tables: unions, generics, arrays and records."""

    _TOKEN = re.compile(r"\s*([A-Za-z_$][\w.$]*|'[^']*'|\"[^\"]*\"|\d+|=>|\[\]|.)")

    def __init__(self, table_: TypeTable, text: str) -> None:
        self._table = table_
        self._tokens = self._TOKEN.findall(text)
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def read(self) -> Value | None:
        """A union of one or more, or an intersection."""
        result: Value | None = None
        while True:
            if self._peek() in ("|", "&"):
                self._next()
            result = join(result, self._postfix())
            if self._peek() not in ("|", "&"):
                return result

    def _postfix(self) -> Value | None:
        value = self._primary()
        while self._peek() == "[]":
            self._next()
            value = self._container(Kind.ARRAY, value)
        return value

    def _primary(self) -> Value | None:
        token = self._next()
        if token == "{":
            return self._record()
        if token == "(":
            value = self.read()
            if self._peek() == ")":
                self._next()
            return value
        if token == "readonly":
            return self._primary()
        if token == "typeof":
            return Value(self._table.api, Kind.CLASS, self._next())
        arguments = self._arguments() if self._peek() == "<" else []
        return self._named(token, arguments)

    def _arguments(self) -> list[Value | None]:
        self._next()
        found: list[Value | None] = []
        while self._peek() not in (">", ""):
            found.append(self.read())
            if self._peek() == ",":
                self._next()
        self._next()
        return found

    def _container(self, kind: Kind, item: Value | None) -> Value | None:
        return None if item is None else Value(self._table.api, kind, items=(item,))

    def _named(self, token: str, arguments: list[Value | None]) -> Value | None:
        last = arguments[-1] if arguments else None
        if token in ("Promise", "CancelablePromise", "PromiseLike"):
            return self._container(Kind.PROMISE, last)
        if token == "Map":
            return self._container(Kind.MAP, last)
        if token in ("Array", "ReadonlyArray", "Set"):
            return self._container(Kind.ARRAY, last)
        row = self._table.types.get(token, {})
        if "alias" in row:
            return self._table.value_of(row["alias"])
        if not row.keys() & {"members", "extends", "events"}:
            return None
        return Value(self._table.api, Kind.INSTANCE, token)

    def _record(self) -> Value | None:
        members: list[tuple[str, Value]] = []
        while self._peek() not in ("}", ""):
            name = self._next()
            if self._peek() == "?":
                self._next()
            if self._peek() == ":":
                self._next()
                value = self.read()
                if value is not None:
                    members.append((name, value))
            while self._peek() not in (";", "}", ","):
                if not self._next():
                    break
            if self._peek() in (";", ","):
                self._next()
        self._next()
        if not members:
            return None
        return Value(self._table.api, Kind.RECORD, fields=tuple(members))


@cache
def table(api: Api) -> TypeTable:
    """The types of an API; empty for those whose types are not known."""
    result = TypeTable(api)
    folder = files("mapping") / "data" / "types"
    for name in _FILES.get(api, ()):
        result.add(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
    return result
