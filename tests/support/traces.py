"""Traces of one small story, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from mapping.compare import Entry, EntryKind, Header, Scenario, Trace
from mapping.compare.scenario_files import parse_scenario

__all__ = ["STORY", "entry", "event", "story_trace", "with_entries"]

STORY: Scenario = parse_scenario(
    {
        "scenario": "story",
        "title": "A picture comes and goes",
        "actors": {"ann": {}, "ben": {}},
        "steps": [
            {"ann": "join"},
            {"ben": "join", "expect": [{"ann": "participantConnected", "of": "ben"}]},
            {"ben": "publish", "with": {"kind": "video", "name": "camera", "color": "red"}},
            {"ben": "leave", "expect": [{"ann": "participantDisconnected", "of": "ben"}]},
        ],
    }
)


def entry(
    step: int, actor: str, kind: str, name: str, args: Any, *, t: float = 0.0, awaited: bool = False
) -> Entry:
    return Entry(t or float(step), actor, EntryKind(kind), name, args, step, awaited)


def event(step: int, name: str, *args: Any, actor: str = "ann", awaited: bool = True) -> Entry:
    return entry(step, actor, "event", name, list(args), t=step + 0.5, awaited=awaited)


def story_trace(implementation: str = "twilio", seed: str = "0") -> Trace:
    """What both implementations tell; ids are made of the seed, a hexadecimal digit."""
    ben = {"is": "participant", "identity": "ben", "sid": f"PA{seed * 32}"}
    publication = {"is": "publication", "kind": "video", "name": "camera", "sid": f"MT{seed * 32}"}
    track = {**publication, "is": "track"}
    return Trace(
        Header(implementation, "story", "1.0", date(2026, 1, 2)),
        (
            entry(1, "ann", "call", "join", {"tracks": []}),
            entry(1, "ann", "result", "join", {"value": {"is": "room", "name": "room"}}),
            entry(2, "ben", "call", "join", {"tracks": []}),
            event(2, "participantConnected", ben),
            entry(3, "ben", "call", "publish", {"media": "camera"}),
            event(3, "trackPublished", publication, ben),
            event(3, "trackSubscribed", track, publication, ben),
            entry(3, "ann", "media", "sees", {"of": "ben", "color": "red", "moving": True}),
            entry(3, "ann", "media", "hears", {"of": "ben", "tone": 440}),
            entry(4, "ben", "call", "leave", {}),
            event(4, "trackUnsubscribed", track, publication, ben),
            event(4, "participantDisconnected", ben),
        ),
    )


def with_entries(trace: Trace, change: Callable[[list[Entry]], object]) -> Trace:
    """A trace after something was done to the list of its entries."""
    entries = list(trace.entries)
    change(entries)
    return replace(trace, entries=tuple(entries))
