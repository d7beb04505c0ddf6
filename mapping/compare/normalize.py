"""Two runs of one story made comparable: ids become placeholders, promised order alone is kept.

* An id becomes a placeholder that says whose it is and its number in the order of first use:
  `<PA ann 1>`, `<MT ann/camera 2>`. Tokens and times in texts become `<token>` and `<time>`.
  Messages of bytes stay as they are: sixteen of them look like an id.
* Events of one actor keep their order, but for those that the scenario declares concurrent, or
  that come of deeds done together: among these the order of what concerns the same track is kept,
  with deeds done together also that of a participant and its tracks; else the subjects are sorted.

Normalizing what is normalized changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from mapping.compare.scenario import Scenario
from mapping.compare.trace import Entry, EntryKind, Trace
from mapping.compare.vocabulary import owner_of, subject_of

__all__ = ["normalize"]

_SID: Final = re.compile(r"\b[A-Z]{2}[0-9a-f]{32}\b")
_ID: Final = re.compile(r"\b[0-9a-f]{32}\b")
_TOKEN: Final = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def normalize(trace: Trace, scenario: Scenario | None = None) -> Trace:
    """A trace without what differs between any two runs.

    Args:
        trace: As it was recorded.
        scenario: Says what is concurrent; None for nothing.
    """
    groups = () if scenario is None else scenario.concurrent
    together = set() if scenario is None else _together(scenario)
    entries = list(trace.entries)
    for actor in trace.actors:
        places = [
            at
            for at, one in enumerate(entries)
            if one.actor == actor and one.kind is EntryKind.EVENT
        ]
        told = [entries[at] for at in places]
        for at, one in zip(places, _ordered(told, groups, together), strict=True):
            entries[at] = one
    placeholders = _Placeholders(entries)
    return Trace(
        trace.header,
        tuple(replace(one, args=placeholders.put(one.args)) for one in entries),
    )


def _together(scenario: Scenario) -> set[int]:
    """The numbers of the steps whose deeds are done at the same time."""
    return {number for number, step in enumerate(scenario.steps, 1) if len(step.deeds) > 1}


def _ordered(
    events: Sequence[Entry], groups: Sequence[frozenset[str]], together: set[int]
) -> Iterator[Entry]:
    """The events with runs of concurrent ones sorted by whom they concern."""
    run: list[Entry] = []
    for event in events:
        if run and not _are_concurrent(run[-1], event, groups, together):
            yield from _sorted(run, groups)
            run = []
        run.append(event)
    yield from _sorted(run, groups)


def _sorted(run: Sequence[Entry], groups: Sequence[frozenset[str]]) -> Iterator[Entry]:
    """Concurrent events, each time the one of the first subject that need not wait for another."""
    rest = list(run)
    while rest:
        free = [
            at
            for at, event in enumerate(rest)
            if not any(_is_before(one, event, groups) for one in rest[:at])
        ]
        yield rest.pop(min(free, key=lambda at: subject_of(rest[at].args)))


def _is_before(one: Entry, other: Entry, groups: Sequence[frozenset[str]]) -> bool:
    """Whether the order of two concurrent events, as they came, means something."""
    subjects = subject_of(one.args), subject_of(other.args)
    if subjects[0] == subjects[1]:
        return True
    # A track of somebody who was not told of is something else than a track of a participant.
    owners = owner_of(one.args), owner_of(other.args)
    is_of_one = owners[0] == owners[1] != "" and owners[0] in subjects
    return is_of_one and not _is_declared(one, other, groups)


def _are_concurrent(
    one: Entry, other: Entry, groups: Sequence[frozenset[str]], together: set[int]
) -> bool:
    if one.step != other.step:
        return False
    return one.step in together or _is_declared(one, other, groups)


def _is_declared(one: Entry, other: Entry, groups: Sequence[frozenset[str]]) -> bool:
    return any(one.name in group and other.name in group for group in groups)


class _Placeholders:
    """Which id is written how.

    Theory of operation. An id is first looked for in everything, because who owns a track is not
    said wherever it appears; then the ids of one owner are numbered in the order of first use.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        labels: dict[str, str] = {}
        for entry in entries:
            for sid, label in _described(entry.args, owner_of(entry.args)):
                # With its owner, if any entry says it.
                if "/" in label or sid not in labels:
                    labels[sid] = label
        self._known: dict[str, str] = {}
        counts: dict[str, int] = {}
        for sid, label in labels.items():
            name = f"{sid[:2]} {label}"
            counts[name] = counts.get(name, 0) + 1
            self._known[sid] = f"<{name} {counts[name]}>"

    def put(self, value: Any) -> Any:
        """A value with placeholders."""
        if isinstance(value, dict) and value.get("is") == "bytes":
            return value
        if isinstance(value, dict):
            return {key: self.put(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.put(item) for item in value]
        if isinstance(value, str):
            return self._put_text(value)
        return value

    def _put_text(self, text: str) -> str:
        text = _TOKEN.sub("<token>", text)
        text = _SID.sub(lambda found: self._known.get(found[0], f"<{found[0][:2]}>"), text)
        return _TIME.sub("<time>", _ID.sub("<id>", text))


def _described(value: Any, owner: str) -> Iterator[tuple[str, str]]:
    """Ids and whose they are, in the order in which they appear."""
    if isinstance(value, list):
        for item in value:
            yield from _described(item, owner)
    elif isinstance(value, dict):
        sid = value.get("sid")
        if isinstance(sid, str) and _SID.fullmatch(sid):
            name = str(value.get("identity") or value.get("name") or "")
            is_owned = value.get("is") in ("track", "publication") and owner
            yield sid, f"{owner}/{name}" if is_owned else name
        for item in value.values():
            yield from _described(item, owner)
