"""The uses of a Python text: members, events and options of values, as the tables know them."""

from __future__ import annotations

import ast
from typing import Protocol

from mapping.sources.spelling import camel
from mapping.sources.types import DECLARED_WIDER, Found, table
from mapping.sources.uses import Api, Span, Use, UseKind
from mapping.sources.values import Kind, Value, as_sure_as, likely, parts

__all__ = ["Spans", "Uses", "exported"]


class Spans(Protocol):
    """Where nodes are."""

    text: str

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.alias | ast.arg) -> Span:
        """The span of a node."""

    def bounds(self, node: ast.expr) -> tuple[int, int]:
        """The offsets of a node's first character and behind its last; cheaper than a span."""

    def between(self, start: int, end: int) -> Span:
        """The span between two offsets."""


def exported(api: Api, name: str) -> Value:
    """What a module of an API has under a name, in either spelling."""
    if api is Api.TWILIO_HELPER and name.islower():  # all of its own: `twilio.jwt.access_token`
        return Value(api, Kind.MODULE, name)
    known = table(api)
    for spelling in (name, camel(name)):
        found = known.exported(spelling)
        if found is not None:
            return found
    if name.islower():
        return Value(api, Kind.MODULE, name)
    return Value(api, Kind.CLASS, name)


def _member_of_record(record: Value, name: str) -> Found:
    """A member such as `Features.DOMINANT_SPEAKERS`, whose vendor writes `DominantSpeakers`."""
    plain = name.replace("_", "").lower()
    for key, value in record.fields:
        if key.lower() == plain:
            return Found(f"{record.name}.{key}", value)
    return Found(f"{record.name}.{name}", is_known=False)


class Uses:
    """Collects the uses of one text."""

    def __init__(self, spans: Spans) -> None:
        self.found: dict[tuple[int, int, str], Use] = {}
        self.is_recording = False
        self.spans = spans

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
        """Note a use, in the last walk; a call stays what it is."""
        if not self.is_recording:
            return
        key = (span.start, span.end, symbol)
        old = self.found.get(key)
        if old is not None and (
            old.kind is UseKind.CALL or kind not in (UseKind.CALL, UseKind.TYPE)
        ):
            return
        text = self.spans.text[span.start : span.end]
        self.found[key] = Use(
            value.api, symbol, kind, span, expression, value.confidence, value.why, text, module
        )

    def find(self, base: Value | None, name: str) -> tuple[Value, Found] | None:
        """The first alternative that has a member, or the first that could."""
        unknown: tuple[Value, Found] | None = None
        narrower: tuple[Value, Found] | None = None
        for part in parts(base):
            if part.kind is Kind.RECORD and part.name:
                return part, _member_of_record(part, name)
            if part.kind not in (Kind.INSTANCE, Kind.CLASS):
                continue
            for spelling in (name, camel(name)):
                is_static = part.kind is Kind.CLASS
                found = table(part.api).member(part.name, spelling, static=is_static)
                if found.is_narrower:
                    narrower = narrower or (likely(part, DECLARED_WIDER) or part, found)
                elif found.is_known:
                    return part, found
            made = table(part.api).instance(part.name) if name.startswith("from_") else None
            found = Found(f"{part.name}.{name}", made, made is not None, is_known=False)
            unknown = unknown or (part, found)
        return narrower or unknown

    def attribute_span(self, node: ast.Attribute) -> Span:
        """Where the name behind the dot is."""
        end = self.spans.span(node).end
        return self.spans.between(end - len(node.attr), end)

    def text_start(self, node: ast.Constant, text: str) -> int:
        """The offset of a literal's text, or -1 where it is not written as it is."""
        start, end = self.spans.bounds(node)
        return self.spans.text.find(text, start, end) if text else -1

    def event(
        self, node: ast.Call, base: Value | None, argument: ast.expr, value: Value | None = None
    ) -> Found | None:
        """Note the event that a listener is for; gives the first that is known."""
        texts = parts(value) if value is not None else ()
        if not texts and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            start = self.text_start(argument, argument.value)
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
        if found.is_narrower:
            owner = likely(owner, DECLARED_WIDER) or owner
        span = self.spans.between(text.start, text.start + len(text.name))
        self.record(owner, found.symbol, UseKind.EVENT, span, self.spans.span(node))
        why = f"parameter of a listener of {found.symbol}"
        given = tuple(likely(as_sure_as(each, owner), why) for each in found.parameters)
        return Found(found.symbol, None, False, given, found.is_known)

    def options(self, node: ast.Call, types: tuple[Value | None, ...], origin: Value) -> None:
        """Note keywords and dictionaries of a call as options of what its parameters take."""
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
                start = self.text_start(key, key.value)
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
                    self.record(bag, found.symbol, UseKind.OPTION, span, whole)
                    self._bag(content, as_sure_as(found.value, bag))
                    return
        if len(bags) == 1 and not table(bags[0].api).is_open(bags[0].name):
            self.record(bags[0], f"{bags[0].name}.{name}", UseKind.OPTION, span, whole)
