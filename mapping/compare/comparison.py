"""Two normalized traces of one story side by side: what is different, in what way, and since when.

Theory of operation. Each actor's events are aligned by event and subject (who, which track): what
has no partner is missing or extra, what has one at another place is out of order, and partners are
compared argument by argument. Deeds and perceptions are paired by step. Order between actors is
kept by the steps: what a step awaited came before everything of the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final

from mapping.compare.normalize import normalize
from mapping.compare.runner import UNMET
from mapping.compare.scenario import Scenario, Timing
from mapping.compare.trace import Entry, EntryKind, Trace
from mapping.compare.vocabulary import subject_of

__all__ = ["Comparison", "Finding", "FindingKind", "compare_traces"]

_TONE_SHARE: Final = 0.05
"""By how much two tones that are one may differ; packets that come late bend a tone a little."""

_FOR_PEOPLE: Final = frozenset({"message"})
"""Keys whose texts are not compared, only that they are texts."""


class FindingKind(StrEnum):
    """In what way two traces differ.

    `UNMET` is what neither may have: an expectation that was not met.
    """

    MISSING = "missing"
    EXTRA = "extra"
    ORDER = "order"
    SHAPE = "shape"
    VALUE = "value"
    OUTCOME = "outcome"
    MEDIA = "media"
    TIMING = "timing"
    UNMET = "unmet"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    Attributes:
        step: In which it shows first.
        name: Of the event or deed.
        text: What is different, for people.
        left: The entry on the left side, or None.
        right: The entry on the right side, or None.
        why: What explains it; empty for nothing.
        at: Of a shape or value: which part of the arguments, as `[0].sid`; else empty.
    """

    kind: FindingKind
    actor: str
    step: int
    name: str
    text: str
    left: Entry | None = None
    right: Entry | None = None
    why: str = ""
    at: str = ""

    @property
    def time(self) -> float:
        """Seconds at which it shows first."""
        return min(one.t for one in (self.left, self.right) if one is not None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two normalized traces and what is different.

    Attributes:
        findings: Those that nothing explains, the first one first.
        explained: The others.
        steps: How many steps were compared; the rest was not run by one of the two.
    """

    left: Trace
    right: Trace
    findings: tuple[Finding, ...]
    explained: tuple[Finding, ...]
    steps: int

    @property
    def is_alike(self) -> bool:
        """Whether nothing is different without an explanation."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first divergence."""
        return self.findings[0] if self.findings else None


def compare_traces(left: Trace, right: Trace, scenario: Scenario | None = None) -> Comparison:
    """Compare two traces of one story; nothing is explained yet, see `mapping.compare.explain`.

    Args:
        left: The one that counts as right, where one does.
        right: The other one.
        scenario: Of both: what is concurrent, how much time may differ; None for nothing special.
    """
    timing = Timing() if scenario is None else scenario.timing
    # An event of steps that one side never came to is not missing there.
    steps = min(_last_step(left), _last_step(right))
    one, other = (_until(normalize(trace, scenario), steps) for trace in (left, right))
    found: list[Finding] = []
    for actor in dict.fromkeys((*one.actors, *other.actors)):
        sides = one.of(actor), other.of(actor)
        found += _compare_events(actor, *(_events(side) for side in sides))
        found += _compare_deeds(actor, *(_deeds(side) for side in sides))
    found += _compare_times(one, other, timing)
    found.sort(key=lambda finding: (finding.step, finding.time))
    return Comparison(one, other, tuple(found), (), steps)


def _last_step(trace: Trace) -> int:
    """The last step that was done, unless the trace ends with it anyway."""
    unmet = [entry.step for entry in trace.entries if entry.name == UNMET]
    return min(unmet) if unmet else max((one.step for one in trace.entries), default=0)


def _until(trace: Trace, step: int) -> Trace:
    return replace(trace, entries=tuple(one for one in trace.entries if one.step <= step))


def _events(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.kind is EntryKind.EVENT]


def _deeds(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.kind is not EntryKind.EVENT]


# ---------------------------------------------------------------- events


def _compare_events(actor: str, left: list[Entry], right: list[Entry]) -> Iterator[Finding]:
    """The multiset of events, their order, their arguments."""
    keys, other_keys = ([_key(one) for one in side] for side in (left, right))
    only_left: list[Entry] = []
    only_right: list[Entry] = []
    matcher = SequenceMatcher(None, keys, other_keys, autojunk=False)
    for tag, from_left, to_left, from_right, to_right in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(left[from_left:to_left], right[from_right:to_right], strict=True)
            for one, other in pairs:
                yield from _compare_pair(actor, one, other)
        else:
            only_left += left[from_left:to_left]
            only_right += right[from_right:to_right]
    for one in only_left:
        partner = next((two for two in only_right if _key(two) == _key(one)), None)
        changed = (two for two in only_right if (two.name, two.step) == (one.name, one.step))
        if partner is None and (same := next(changed, None)) is not None:
            # It is told of something else, or in another shape.
            only_right.remove(same)
            yield from _compare_pair(actor, one, same)
            continue
        if partner is None:
            text = f"{_named(one)} is missing"
            yield Finding(FindingKind.MISSING, actor, one.step, one.name, text, one)
            continue
        only_right.remove(partner)
        step = min(one.step, partner.step)
        text = f"{_named(one)} comes at another place"
        yield Finding(FindingKind.ORDER, actor, step, one.name, text, one, partner)
        yield from _compare_pair(actor, one, partner)
    for other in only_right:
        text = f"{_named(other)} comes in addition"
        yield Finding(FindingKind.EXTRA, actor, other.step, other.name, text, None, other)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.name, subject_of(entry.args)


def _named(entry: Entry) -> str:
    subject = subject_of(entry.args)
    return f"{entry.name} of {subject}" if subject else entry.name


def _compare_pair(actor: str, one: Entry, other: Entry) -> Iterator[Finding]:
    if one.awaited and other.awaited and one.step != other.step:
        text = f"{_named(one)} comes in step {other.step}, not {one.step}"
        step = min(one.step, other.step)
        yield Finding(FindingKind.ORDER, actor, step, one.name, text, one, other)
    for kind, at, text in _differences(one.args, other.args, ""):
        told = f"{_named(one)}: {text}"
        yield Finding(kind, actor, one.step, one.name, told, one, other, at=at)


# ---------------------------------------------------------------- deeds and perceptions


def _compare_deeds(actor: str, left: list[Entry], right: list[Entry]) -> Iterator[Finding]:
    """What was done, what came of it, what was perceived; paired by step and name, in order."""
    sides: list[dict[tuple[int, str, str], list[Entry]]] = []
    for entries in (left, right):
        by_key: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.name == UNMET:
                text = f"not met: {entry.args.get('expectation')}"
                pair = (entry, None) if entries is left else (None, entry)
                yield Finding(FindingKind.UNMET, actor, entry.step, UNMET, text, *pair)
                continue
            is_outcome = entry.kind in (EntryKind.RESULT, EntryKind.ERROR)
            sort = "outcome" if is_outcome else str(entry.kind)
            by_key[entry.step, sort, entry.name].append(entry)
        sides.append(by_key)
    for key in dict.fromkeys((*sides[0], *sides[1])):
        yield from _compare_deed(actor, sides[0].get(key, []), sides[1].get(key, []))


def _compare_deed(actor: str, left: list[Entry], right: list[Entry]) -> Iterator[Finding]:
    for one, other in zip(left, right, strict=False):
        if one.kind is not other.kind:
            text = f"{one.name} {_outcome(one)} on the left and {_outcome(other)} on the right"
            yield Finding(FindingKind.OUTCOME, actor, one.step, one.name, text, one, other)
            continue
        for kind, at, text in _differences(one.args, other.args, ""):
            if one.kind is EntryKind.MEDIA and kind is FindingKind.VALUE:
                kind = FindingKind.MEDIA
            told = f"{one.name}: {text}"
            yield Finding(kind, actor, one.step, one.name, told, one, other, at=at)
    for one in left[len(right) :]:
        text = f"{one.kind} {one.name} is missing"
        yield Finding(FindingKind.MISSING, actor, one.step, one.name, text, one)
    for other in right[len(left) :]:
        text = f"{other.kind} {other.name} comes in addition"
        yield Finding(FindingKind.EXTRA, actor, other.step, other.name, text, None, other)


def _outcome(entry: Entry) -> str:
    if entry.kind is EntryKind.RESULT:
        return "succeeds"
    return f"fails with {entry.args.get('code')}"


# ---------------------------------------------------------------- values


def _differences(one: Any, other: Any, at: str) -> Iterator[tuple[FindingKind, str, str]]:
    """Where two values differ in shape (types, keys, lengths) or else in value."""
    where = at or "its arguments"
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            keys = ", ".join(sorted(one.keys() ^ other.keys()))
            yield FindingKind.SHAPE, at, f"{where}: only one side has {keys}"
        for key in (key for key in one if key in other):
            if key not in _FOR_PEOPLE or type(one[key]) is not type(other[key]):
                yield from _differences(one[key], other[key], f"{at}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield FindingKind.SHAPE, at, f"{where}: {len(one)} and {len(other)} items"
            return
        for index, (item, another) in enumerate(zip(one, other, strict=True)):
            yield from _differences(item, another, f"{at}[{index}]")
    elif _sort(one) != _sort(other):
        text = f"{where}: {_sort(one)} {one!r} and {_sort(other)} {other!r}"
        yield FindingKind.SHAPE, at, text
    elif one != other and not (at.endswith("tone") and _is_same_tone(one, other)):
        yield FindingKind.VALUE, at, f"{where}: {one!r} and {other!r}"


def _sort(value: Any) -> str:
    """The JSON type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "string"


def _is_same_tone(one: float, other: float) -> bool:
    return bool(one and other) and abs(one - other) <= _TONE_SHARE * max(one, other)


# ---------------------------------------------------------------- time


def _compare_times(left: Trace, right: Trace, timing: Timing) -> Iterator[Finding]:
    """Whether what was awaited took about as long after its step began."""
    delays = [dict(_delays(trace)) for trace in (left, right)]
    for key in (key for key in delays[0] if key in delays[1]):
        (one, took), (other, other_took) = delays[0][key], delays[1][key]
        shorter, longer = sorted((took, other_took))
        if longer > shorter * timing.factor + timing.slack:
            text = f"{_named(one)} takes {took:.1f} s on the left, {other_took:.1f} s on the right"
            yield Finding(FindingKind.TIMING, one.actor, one.step, one.name, text, one, other)


def _delays(trace: Trace) -> Iterator[tuple[tuple[Any, ...], tuple[Entry, float]]]:
    began: dict[int, float] = {}
    counts: dict[tuple[Any, ...], int] = defaultdict(int)
    for entry in trace.entries:
        began.setdefault(entry.step, entry.t)
        if entry.awaited and entry.step:
            key = (entry.step, entry.actor, *_key(entry))
            counts[key] += 1
            yield (*key, counts[key]), (entry, entry.t - began[entry.step])
