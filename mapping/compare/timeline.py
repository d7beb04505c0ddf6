"""A comparison as one HTML file: both traces side by side, the first divergence marked.

The file needs no network: its style is inside, and there is no script.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mapping.compare.alignment import align
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
    for step in range(comparison.steps + 1):
        sides = (comparison.left, comparison.right)
        left, right = ([one for one in side.entries if one.step == step] for side in sides)
        # Together by actor, who acts first: the order between actors is that of steps.
        order = list(dict.fromkeys(one.actor for one in (*left, *right)))
        for side in (left, right):
            side.sort(key=lambda one: order.index(one.actor))
        pairs = list(align(left, right, _key))
        if pairs:
            rows[step] = [_row(comparison, *pair) for pair in pairs]
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


def _row(comparison: Comparison, left: Entry | None, right: Entry | None) -> TimelineRow:
    def is_about(finding: Finding) -> bool:
        return (left is not None and finding.left is left) or (
            right is not None and finding.right is right
        )

    texts = [one for one in comparison.findings if is_about(one)]
    if texts:
        mark = "first" if comparison.first in texts else "different"
        return TimelineRow(left, right, mark, "; ".join(one.text for one in texts))
    explained = [one for one in comparison.explained if is_about(one)]
    if explained:
        reasons = "; ".join(f"{one.text}: {one.why}" for one in explained)
        return TimelineRow(left, right, "explained", reasons)
    return TimelineRow(left, right)


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
