"""Do two implementations behave alike? One scenario, two traces, side by side.

::

    scenario = find_scenario("mute-video")
    left = await run_scenario(scenario, "twilio")
    right = await run_scenario(scenario, "native")
    comparison = compare(left, right, scenario)
    assert comparison.is_alike, failure_text(comparison)

`record` writes the trace of a program of one's own; fixtures for tests are in
`mapping.pytest_plugin`.
"""

from __future__ import annotations

from mapping.compare.comparison import Comparison, Finding, FindingKind, compare_traces
from mapping.compare.errors import (
    ActorLostError,
    CompareError,
    MissingPieceError,
    ScenarioError,
    TraceError,
    UnreachableError,
)
from mapping.compare.explain import explain
from mapping.compare.normalize import normalize
from mapping.compare.recorder import Recorder, record
from mapping.compare.report import failure_text
from mapping.compare.runner import Implementation, RunOptions, run_scenario
from mapping.compare.scenario import Scenario
from mapping.compare.scenario_files import find_scenario, packaged_scenarios
from mapping.compare.stage import Service
from mapping.compare.timeline import render_timeline
from mapping.compare.trace import Entry, EntryKind, Header, Trace

__all__ = [
    "ActorLostError",
    "CompareError",
    "Comparison",
    "Entry",
    "EntryKind",
    "Finding",
    "FindingKind",
    "Header",
    "Implementation",
    "MissingPieceError",
    "Recorder",
    "RunOptions",
    "Scenario",
    "ScenarioError",
    "Service",
    "Trace",
    "TraceError",
    "UnreachableError",
    "compare",
    "failure_text",
    "find_scenario",
    "normalize",
    "packaged_scenarios",
    "record",
    "render_timeline",
    "run_scenario",
]


def compare(left: Trace, right: Trace, scenario: Scenario | None = None) -> Comparison:
    """Compare two traces of one story, and explain what is known to be different.

    Args:
        left: The one that counts as right, where one does.
        right: The other one.
        scenario: Of both; None for traces of programs of somebody's own.

    Raises:
        ScenarioError: The scenario allows something that does not exist.
    """
    return explain(compare_traces(left, right, scenario), scenario)
