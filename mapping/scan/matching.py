"""Uses and texts against the rules: findings."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from mapping.load import find, retirements, rows
from mapping.model import RetirementRow, Row, Vendor
from mapping.scan.findings import Finding, Fix, Level, Package, fingerprint
from mapping.scan.manifests import versions_match
from mapping.scan.rules import Rule, rules
from mapping.sources.types import table
from mapping.sources.uses import Api, Confidence, Span, Use, UseKind

__all__ = ["Finder", "nearest", "parity_of"]

_VENDORS: Final = {
    Api.TWILIO_VIDEO: Vendor.TWILIO_VIDEO,
    Api.TWILIO_COMPAT: Vendor.TWILIO_VIDEO,
    Api.ACS_CALLING: Vendor.ACS_CALLING,
    Api.ACS_CORE: Vendor.ACS_CALLING,
    Api.VIDEOSDK: Vendor.VIDEOSDK,
}
_COLUMN: Final = {
    Api.TWILIO_VIDEO: "js",
    Api.TWILIO_COMPAT: "compat",
    Api.TWILIO_HELPER: "rest",
    Api.ACS_CALLING: "native",
    Api.ACS_CORE: "native",
    Api.VIDEOSDK: "videosdk",
}
_ARGUMENTS: Final = re.compile(r"\([^()]*\)")
_SUPPRESSION: Final = re.compile(
    r"twilio-compat:\s*ignore\b[:\s]*([A-Z][A-Z0-9-]+(?:[,\s]+[A-Z][A-Z0-9-]+)*)?"
)
_CUTOFF: Final = 0.75
"""How alike a name must be to the one it probably means."""
_MOST_LETTERS: Final = 2
"""More or fewer than that is another word, not a slip: `maxTracks` does not mean `tracks`."""


@cache
def parity_of(api: Api, symbol: str) -> str:
    """What the matrix promises of a name, or an empty text."""
    if api is Api.TWILIO_HELPER:
        row = _operations().get(_plain(symbol))
    else:
        vendor = _VENDORS.get(api)
        row = find(vendor, symbol) if vendor is not None else None
    if row is None:
        return ""
    parity = row.parity.get(_COLUMN[api])
    return parity.value if parity is not None else row.status.value


@cache
def _operations() -> Mapping[str, Row]:
    """Rows of the REST API by the way to them through the helper: `video.rooms.create`."""
    return {
        _plain(_ARGUMENTS.sub("", row.call).removeprefix("client.").replace(".v1.", ".")): row
        for row in rows(Vendor.TWILIO_REST)
    }


def _plain(name: str) -> str:
    """A name in the spelling that those of all languages have in common."""
    return name.replace("_", "").lower()


@cache
def nearest(api: Api, symbol: str) -> tuple[bool, str]:
    """Whether an API has a name, and if not, the nearest that it has."""
    known = table(api)
    if "#" in symbol:
        owner, _, name = symbol.partition("#")
        candidates = known.events(owner)
    elif "." in symbol:
        owner, _, name = symbol.rpartition(".")
        if owner == "Features":
            features = known.exported("Features")
            candidates = [key for key, _ in features.fields] if features is not None else []
        elif owner not in known.types:
            return True, ""
        else:
            candidates = [
                member
                for each in known.lineage(owner)
                for part in ("members", "static")
                for member in known.types[each].get(part, {})
            ]
            if known.is_open(owner) and not known.is_options(owner):
                return True, ""
    else:
        name = symbol
        candidates = [*known.functions, *known.constants, *known.types]
        if not candidates:
            return True, ""
    if name in candidates or name == "*":
        return True, ""
    plain = {
        candidate.lower(): candidate
        for candidate in candidates
        if abs(len(candidate) - len(name)) <= _MOST_LETTERS and not _is_opposite(candidate, name)
    }
    close = get_close_matches(name.lower(), list(plain), 1, _CUTOFF)
    return False, plain[close[0]] if close else ""


def _is_opposite(one: str, other: str) -> bool:
    """Whether a negation is all that differs: `trackUnpublished` is no slip of `trackPublished`."""
    words, others = _words(one), _words(other)
    if len(words) != len(others):
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) == 1 and any(
        {different[0][0], different[0][1]} == {word, negation + word}
        for word in different[0]
        for negation in ("un", "dis", "de")
    )


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]


class Finder:
    """Makes the findings of one file."""

    def __init__(self, path: str, text: str, *, is_client: bool) -> None:
        self._path = path
        self._text = text
        self._is_client = is_client
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._found: list[Finding] = []

    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the text, without what comments suppress."""
        ordered = sorted(self._found, key=lambda each: (each.span.start, each.rule))
        return tuple(each for each in ordered if not self._is_suppressed(each))

    def add_uses(self, uses: Sequence[Use], project: frozenset[Api]) -> None:
        """Match the uses against the rules about uses.

        `project` has the APIs of the whole program: capture of a browser's devices counts only in
        one that has some.
        """
        for use in uses:
            if use.api is Api.BROWSER and not project:
                continue
            for rule in _rules_of(use.api, use.kind):
                near = _matched(rule, use)
                if near is not None:
                    self._add_use(rule, use, near)
            if use.kind is UseKind.IMPORT:
                self._add_retirements(use)

    def add_text(self) -> None:
        """Match the text against the rules about texts."""
        for rule in _text_rules():
            match_ = rule.text
            if match_ is None or (match_.files and not self._path.endswith(match_.files)):
                continue
            if match_.is_client and not self._is_client:
                continue
            if match_.unless is not None and match_.unless.search(self._text):
                continue
            if match_.requires is not None and not match_.requires.search(self._text):
                continue
            for found in match_.pattern.finditer(self._text):
                start, end = found.span("at" if "at" in match_.pattern.groupindex else 0)
                self._add(rule, self._first_line(start, end), Confidence.LIKELY, "", "", "")

    def add_packages(self, packages: Iterable[Package]) -> None:
        """Match packages of a manifest against the rules about packages."""
        for package in packages:
            span = self._span(self._starts[package.line - 1], self._starts[package.line] - 1)
            for rule in rules():
                if rule.package is not None and _is_package(rule.package, package):
                    self._add(rule, span, Confidence.EXACT, package.name, package.version, "")
            for row in retirements():
                if package.name in row.symbols:
                    self._add_retirement(row, package.name, span)

    def _add_use(self, rule: Rule, use: Use, near: str) -> None:
        fix: Fix | None = None
        if rule.replace and use.confidence is Confidence.EXACT:
            replacement = _filled(rule.replace, use.symbol, near)
            if replacement and use.text == use.symbol.rpartition("#")[2].rpartition(".")[2]:
                fix = Fix(use.span, replacement)
        parity = parity_of(use.api, use.symbol)
        self._add(rule, use.span, use.confidence, use.symbol, near, parity, fix)

    def _add_retirements(self, use: Use) -> None:
        package = re.match(r"(?:@[^/]+/)?[^/]+", use.module)
        names = {use.module, use.module.replace(".", "-"), package.group() if package else ""}
        for row in retirements():
            if names & set(row.symbols) or use.symbol in row.symbols:
                self._add_retirement(row, use.module, use.span)

    def _add_retirement(self, row: RetirementRow, name: str, span: Span) -> None:
        if row.retires is None:
            return
        rule = _retirement_rule()
        message = _filled(rule.message, name, row.retires.isoformat()).replace("{what}", row.what)
        self._add(rule, span, Confidence.EXACT, row.id, "", "", message=message)

    def _add(
        self,
        rule: Rule,
        span: Span,
        confidence: Confidence,
        symbol: str,
        near: str,
        parity: str,
        fix: Fix | None = None,
        *,
        message: str = "",
    ) -> None:
        line = self._lines[span.line - 1] if span.line <= len(self._lines) else ""
        key = (rule.id, symbol, "".join(line.split()))
        if any(old.rule == rule.id and old.span == span for old in self._found):
            return
        name = symbol or self._text[span.start : span.end][:40]
        self._found.append(
            Finding(
                rule.id,
                _level(rule, confidence),
                message or _filled(rule.message, name, near),
                _filled(rule.help, name, near),
                self._path,
                span,
                confidence,
                symbol,
                rule.tier,
                rule.effort,
                parity,
                fingerprint(rule.id, self._path, symbol, line, self._seen[key]),
                fix,
            )
        )
        self._seen[key] += 1

    def _first_line(self, start: int, end: int) -> Span:
        """What of a match stands on its first line that is not blank."""
        found = self._text[start:end].lstrip()
        start = end - len(found) if found else start
        return self._span(start, start + len(found.partition("\n")[0]))

    def _span(self, start: int, end: int) -> Span:
        line = bisect.bisect_right(self._starts, start)
        return Span(start, end, line, start - self._starts[line - 1] + 1)

    def _is_suppressed(self, finding: Finding) -> bool:
        at = finding.span.line - 1
        for line in self._lines[max(0, at - 1) : at + 1]:
            match_ = _SUPPRESSION.search(line) if "twilio-compat" in line else None
            if match_ is not None and (
                match_.group(1) is None or finding.rule in re.split(r"[,\s]+", match_.group(1))
            ):
                return True
        return False


def _is_package(wanted: tuple[str, str], package: Package) -> bool:
    return wanted[0] == package.name and versions_match(package.version, wanted[1])


def _filled(text: str, name: str, near: str) -> str:
    """A text of a rule; it may have other braces, so it is no format string."""
    return text.replace("{name}", name).replace("{near}", near)


def _level(rule: Rule, confidence: Confidence) -> Level:
    """A guess by name alone is never more than a warning."""
    if confidence is Confidence.MANUAL and rule.level is Level.ERROR:
        return Level.WARNING
    return rule.level


def _is_like(symbol: str, pattern: str) -> bool:
    return fnmatchcase(symbol, pattern) if "*" in pattern else symbol == pattern


def _status(use: Use) -> tuple[bool, str]:
    if use.kind is UseKind.IMPORT or use.api in (Api.BROWSER, Api.TWILIO_HELPER):
        return True, ""
    return nearest(use.api, use.symbol)


def _matched(rule: Rule, use: Use) -> str | None:
    """The nearest real name, or an empty text, where a rule matches a use; None where not."""
    match_ = rule.uses
    if match_ is None:
        return None
    if match_.symbols and not any(_is_like(use.symbol, each) for each in match_.symbols):
        return None
    if match_.modules and not any(fnmatchcase(use.module, each) for each in match_.modules):
        return None
    if not match_.unknown:
        return ""
    if _is_named_elsewhere(use.symbol, rule):
        return None
    if match_.unknown == "far" and use.confidence is Confidence.MANUAL:
        return None  # of what its name alone made an SDK's, an odd member says it is none
    known, near = _status(use)
    return near if not known and bool(near) == (match_.unknown == "near") else None


@cache
def _named() -> tuple[tuple[str, str], ...]:
    """Names that a rule is about by itself, so that the general ones leave them alone."""
    return tuple(
        (symbol, rule.id)
        for rule in rules()
        if rule.uses is not None and not rule.uses.unknown
        for symbol in rule.uses.symbols
        if symbol != "*"
    )


@cache
def _is_named_elsewhere(symbol: str, rule: Rule) -> bool:
    return any(fnmatchcase(symbol, each) for each, id_ in _named() if id_ != rule.id)


@cache
def _rules_of(api: Api, kind: UseKind) -> tuple[Rule, ...]:
    return tuple(
        rule
        for rule in rules()
        if rule.uses is not None
        and (not rule.uses.apis or api.value in rule.uses.apis)
        and (not rule.uses.kinds or kind.value in rule.uses.kinds)
    )


@cache
def _text_rules() -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if rule.text is not None)


@cache
def _retirement_rule() -> Rule:
    return next(rule for rule in rules() if rule.id == "ACS-RETIRE-001")
