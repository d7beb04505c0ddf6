"""Two normalized traces of one story side by side: what is different, in what way, and since when.

Theory of operation. Each actor's events are aligned by event and subject (who, which track): what
has no partner is missing or extra, what has one at another place is out of order, and partners are
compared argument by argument. So are deeds and perceptions, by step and name; what came of deeds is
paired without order. Order between actors is kept by the steps: what a step awaited came before
everything of the next one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from mapping.compare.alignment import Key, align
from mapping.compare.normalize import normalize
from mapping.compare.runner import UNMET
from mapping.compare.scenario import Scenario, Timing
from mapping.compare.trace import Entry, EntryKind, Trace
from mapping.compare.vocabulary import subject_of

__all__ = ["Comparison", "Finding", "FindingKind", "compare_traces"]

_TONE_SHARE: Final = 0.05
"""By how much two tones that are one may differ; packets that come late bend a tone a little."""

_FOR_PEOPLE: Final = "message"
"""Key of an error whose text is not compared, only that it is a text."""


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
        steps: How many steps were compared; what follows an unmet expectation says nothing.
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
    steps = _steps(left, right, scenario)
    one, other = (_until(normalize(trace, scenario), steps) for trace in (left, right))
    found: list[Finding] = []
    for actor in dict.fromkeys((*one.actors, *other.actors)):
        mine, theirs = one.of(actor), other.of(actor)
        for kinds, key in _IN_ORDER:
            found += _compare_sequences(actor, _of(mine, kinds), _of(theirs, kinds), key)
        found += _compare_outcomes(actor, _of(mine, _OUTCOMES), _of(theirs, _OUTCOMES))
    found += _compare_times(one, other, timing)
    unmet = {finding.step for finding in found if finding.kind is FindingKind.UNMET}
    found.sort(key=lambda one: (one.step, one.step in unmet and _is_not_done(one), one.time))
    return Comparison(one, other, tuple(found), (), steps)


def _is_not_done(finding: Finding) -> bool:
    """Whether a deed, or a look, is missing: after an unmet expectation, that is because of it."""
    entry = finding.left or finding.right
    is_deed = entry is not None and entry.kind is not EntryKind.EVENT
    return finding.kind is FindingKind.MISSING and is_deed


def _steps(left: Trace, right: Trace, scenario: Scenario | None) -> int:
    """How many steps are compared: until an expectation that was not met, which says why.

    A trace that ends earlier without a reason lacks what the other one has.
    """
    entries = (*left.entries, *right.entries)
    last = max((one.step for one in entries), default=0)
    if scenario is not None:
        last = min(last, len(scenario.steps))
    return min((one.step for one in entries if _is_unmet(one)), default=last)


def _is_unmet(entry: Entry) -> bool:
    return entry.kind is EntryKind.ERROR and entry.name == UNMET


def _until(trace: Trace, step: int) -> Trace:
    return replace(trace, entries=tuple(one for one in trace.entries if one.step <= step))


def _of(entries: Sequence[Entry], kinds: frozenset[EntryKind]) -> list[Entry]:
    return [one for one in entries if one.kind in kinds]


# ---------------------------------------------------------------- what comes in order


def _compare_sequences(
    actor: str, left: list[Entry], right: list[Entry], key: Key
) -> Iterator[Finding]:
    """The multiset of entries, their order, their arguments."""
    aligned = list(align(left, right, key))
    for one, other in aligned:
        if one is not None and other is not None:
            yield from _compare_pair(actor, one, other)
    only_left = [one for one, other in aligned if one is not None and other is None]
    only_right = [other for one, other in aligned if other is not None and one is None]
    moved, only_left, only_right = _partners(only_left, only_right, key)
    for one, other in moved:
        step = min(one.step, other.step)
        text = f"{_named(one)} comes at another place"
        yield Finding(FindingKind.ORDER, actor, step, one.name, text, one, other)
        yield from _compare_pair(actor, one, other)
    # What is told of something else, or in another shape.
    changed, only_left, only_right = _partners(
        only_left, only_right, lambda entry: (entry.kind, entry.name, entry.step)
    )
    for one, other in changed:
        yield from _compare_pair(actor, one, other)
    yield from _alone(actor, only_left, only_right)


def _partners(
    left: list[Entry], right: list[Entry], key: Key
) -> tuple[list[tuple[Entry, Entry]], list[Entry], list[Entry]]:
    """Pairs of equal keys in the order of the left side, and what is left of both."""
    waiting: dict[Hashable, deque[Entry]] = defaultdict(deque)
    for other in right:
        waiting[key(other)].append(other)
    pairs, alone = [], []
    for one in left:
        if same := waiting[key(one)]:
            pairs.append((one, same.popleft()))
        else:
            alone.append(one)
    rest = {id(other) for others in waiting.values() for other in others}
    return pairs, alone, [other for other in right if id(other) in rest]


def _alone(actor: str, left: Sequence[Entry], right: Sequence[Entry]) -> Iterator[Finding]:
    for one in left:
        text = f"{_named(one)} is missing"
        yield Finding(FindingKind.MISSING, actor, one.step, one.name, text, one)
    for other in right:
        text = f"{_named(other)} comes in addition"
        yield Finding(FindingKind.EXTRA, actor, other.step, other.name, text, None, other)


def _event_key(entry: Entry) -> tuple[str, str]:
    return entry.name, subject_of(entry.args)


def _deed_key(entry: Entry) -> Hashable:
    return entry.kind, entry.name, entry.step


_IN_ORDER: Final = (
    (frozenset({EntryKind.EVENT}), _event_key),
    (frozenset({EntryKind.CALL, EntryKind.MEDIA}), _deed_key),
)
_OUTCOMES: Final = frozenset({EntryKind.RESULT, EntryKind.ERROR})
"""Not in order: what is done together ends in any order."""


def _named(entry: Entry) -> str:
    if entry.kind is not EntryKind.EVENT:
        return f"{entry.kind} {entry.name}"
    subject = subject_of(entry.args)
    return f"{entry.name} of {subject}" if subject else entry.name


def _compare_pair(actor: str, one: Entry, other: Entry) -> Iterator[Finding]:
    if one.awaited and other.awaited and one.step != other.step:
        text = f"{_named(one)} comes in step {other.step}, not {one.step}"
        step = min(one.step, other.step)
        yield Finding(FindingKind.ORDER, actor, step, one.name, text, one, other)
    about = _named(one) if one.kind is EntryKind.EVENT else one.name
    for kind, at, text in _differences(_compared(one), _compared(other), ""):
        if one.kind is EntryKind.MEDIA and kind is FindingKind.VALUE:
            if at == "tone" and _is_same_tone(one.args[at], other.args[at]):
                continue
            kind = FindingKind.MEDIA
        told = f"{about}: {text}"
        yield Finding(kind, actor, one.step, one.name, told, one, other, at=at)


def _compared(entry: Entry) -> Any:
    """Its arguments; those of a failure are an error."""
    return {"is": "error", **entry.args} if entry.kind is EntryKind.ERROR else entry.args


# ---------------------------------------------------------------- what came of deeds


def _compare_outcomes(actor: str, left: list[Entry], right: list[Entry]) -> Iterator[Finding]:
    """Results and errors, paired by step and deed."""
    sides: list[dict[Hashable, list[Entry]]] = []
    for entries in (left, right):
        by_deed: dict[Hashable, list[Entry]] = defaultdict(list)
        for entry in entries:
            if _is_unmet(entry):
                text = f"not met: {entry.args.get('expectation')}"
                pair = (entry, None) if entries is left else (None, entry)
                yield Finding(FindingKind.UNMET, actor, entry.step, UNMET, text, *pair)
            else:
                by_deed[entry.step, entry.name].append(entry)
        sides.append(by_deed)
    for key in dict.fromkeys((*sides[0], *sides[1])):
        mine, theirs = sides[0].get(key, []), sides[1].get(key, [])
        for one, other in zip(mine, theirs, strict=False):
            if one.kind is other.kind:
                yield from _compare_pair(actor, one, other)
                continue
            text = f"{one.name} {_outcome(one)} on the left and {_outcome(other)} on the right"
            yield Finding(FindingKind.OUTCOME, actor, one.step, one.name, text, one, other)
        yield from _alone(actor, mine[len(theirs) :], theirs[len(mine) :])


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
            is_for_people = key == _FOR_PEOPLE and one.get("is") == other.get("is") == "error"
            if not is_for_people or type(one[key]) is not type(other[key]):
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
    elif one != other:
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


def _is_same_tone(one: Any, other: Any) -> bool:
    if not _sort(one) == _sort(other) == "number":
        return False
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
            key = (entry.step, entry.actor, *_event_key(entry))
            counts[key] += 1
            yield (*key, counts[key]), (entry, entry.t - began[entry.step])
