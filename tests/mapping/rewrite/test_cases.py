"""Programs before and after each rule: right, once, and nothing else."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mapping.rewrite.choices import read_choices
from mapping.rewrite.planner import FilePlan, PlanOptions, plan_text
from mapping.rewrite.rules import Target, load_rules
from mapping.rewrite.syntax import parse

CASES = [
    {**case, "file": path.stem}
    for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]
NAMES = [f"{case['file']}: {case['name']}" for case in CASES]


def options_of(case: dict[str, Any]) -> PlanOptions:
    chosen = read_choices(
        target=case.get("target", "auto"),
        include=case.get("include", "exact"),
        server=case.get("server", "http://127.0.0.1:7780"),
        modules=case.get("modules", ()),
    )
    if "targets" in case:
        return replace(chosen, targets=frozenset(map(Target, case["targets"])))
    return chosen


def planned(case: dict[str, Any], text: str) -> FilePlan:
    return plan_text(case["path"], text, options_of(case))


@pytest.mark.feature("MIGRATE-002")
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_program_becomes_what_is_expected(case: dict[str, Any]) -> None:
    plan = planned(case, case["before"])
    assert plan.after == case.get("after", case["before"])
    assert {change.rule for change in plan.changes} == set(case["rules"])
    assert (plan.problem, plan.withheld) == ("", ())


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_second_run_has_nothing_to_do_and_the_result_parses(case: dict[str, Any]) -> None:
    after = case.get("after", case["before"])
    assert planned(case, after).changes == ()
    assert parse(case["path"], after).problems() == 0


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_line_ends_stay_what_they_are(case: dict[str, Any]) -> None:
    plan = planned(case, case["before"].replace("\n", "\r\n"))
    assert plan.after == case.get("after", case["before"]).replace("\n", "\r\n")


def test_every_rule_has_a_case() -> None:
    covered = {rule for case in CASES for rule in case["rules"]}
    assert {rule.id for rule in load_rules()} - covered == set()
