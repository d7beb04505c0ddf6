"""A comparison as one HTML file: both traces side by side, the first divergence marked.

The file needs no network: its style is inside, and there is no script.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mapping.compare.alignment import Pair, align
from mapping.compare.comparison import Comparison, Finding
from mapping.compare.errors import MissingPieceError
from mapping.compare.scenario import Scenario
from mapping.compare.trace import Entry, EntryKind
from mapping.compare.vocabulary import subject_of

__all__ = ["TimelineRow", "render_timeline", "timeline_rows"]

_TEMPLATE: Final = Path(__file__).with_name("timeline.html.j2")


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """What stands beside each other.

    Attributes:
        mark: `first` for the first divergence, `different`, `explained`, or empty.
        text: What is different, and what explains it.
    """

    left: Entry | None
    right: Entry | None
    mark: str = ""
    text: str = ""


def timeline_rows(comparison: Comparison) -> dict[int, list[TimelineRow]]:
    """Rows by step: what belongs together beside each other, otherwise an empty place."""
    rows: dict[int, list[TimelineRow]] = {}
    findings, explained = _by_entry(comparison.findings), _by_entry(comparison.explained)
    first = comparison.first
    sides = (comparison.left, comparison.right)
    for step in sorted({one.step for side in sides for one in side.entries}):
        left, right = ([one for one in side.entries if one.step == step] for side in sides)
        # Together by actor, who acts first: the order between actors is that of steps.
        order = list(dict.fromkeys(one.actor for one in (*left, *right)))
        for side in (left, right):
            side.sort(key=lambda one: order.index(one.actor))
        rows[step] = []
        for pair in align(left, right, _key):
            row = _row(pair, findings, explained, first)
            if row.mark == "first":
                # What comes at another place is in two rows.
                first = None
            rows[step].append(row)
    return rows


def render_timeline(comparison: Comparison, scenario: Scenario | None = None) -> str:
    """The HTML.

    Raises:
        MissingPieceError: Jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingPieceError(
            "Timelines need Jinja2: pip install 'twilio-compat[migrate]'"
        ) from error
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["told"] = _told
    steps = () if scenario is None else scenario.steps
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        comparison=comparison,
        title=comparison.left.header.scenario or "Two traces",
        about="" if scenario is None else scenario.title,
        names={number: str(step) for number, step in enumerate(steps, 1)},
        rows=timeline_rows(comparison),
    )


def _key(entry: Entry) -> tuple[str, str, str, str]:
    return entry.actor, str(entry.kind), entry.name, subject_of(entry.args)


def _by_entry(findings: Sequence[Finding]) -> dict[int, list[Finding]]:
    """Findings by the identity of the entries that they are about."""
    found: dict[int, list[Finding]] = defaultdict(list)
    for one in findings:
        for entry in (one.left, one.right):
            if entry is not None:
                found[id(entry)].append(one)
    return found


def _row(
    pair: Pair,
    findings: Mapping[int, list[Finding]],
    explained: Mapping[int, list[Finding]],
    first: Finding | None,
) -> TimelineRow:
    def about(known: Mapping[int, list[Finding]]) -> list[Finding]:
        all_ = [one for entry in pair for one in known.get(id(entry), ())]
        return [one for at, one in enumerate(all_) if not any(one is two for two in all_[:at])]

    if texts := about(findings):
        is_first = any(one is first for one in texts)
        mark = "first" if is_first else "different"
        return TimelineRow(*pair, mark, "; ".join(one.text for one in texts))
    if reasons := about(explained):
        return TimelineRow(
            *pair, "explained", "; ".join(f"{one.text}: {one.why}" for one in reasons)
        )
    return TimelineRow(*pair)


def _told(entry: Entry) -> str:
    """Arguments in a line: what an SDK's object is and whose, other values as they are."""
    if entry.kind is EntryKind.EVENT:
        return ", ".join(_short(one) for one in entry.args)
    return ", ".join(f"{name} {_short(value)}" for name, value in entry.args.items())


def _short(value: Any) -> str:
    if isinstance(value, dict) and "is" in value:
        known = ("identity", "kind", "name", "code", "hex")
        parts = [str(value[key]) for key in known if value.get(key) is not None]
        return " ".join([str(value["is"]), *parts])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
