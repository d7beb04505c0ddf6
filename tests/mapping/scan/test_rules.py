"""Each rule matches the snippets that it says it matches, and not the others."""

from __future__ import annotations

import pytest

from mapping.scan import Rule, rules, scan_texts
from mapping.sources.uses import Api

_SNIPPETS = [
    pytest.param(
        rule, snippet, matches, id=f"{rule.id}-{'matches' if matches else 'passes'}-{number}"
    )
    for rule in rules()
    for matches, snippets in ((True, rule.matches), (False, rule.passes))
    for number, snippet in enumerate(snippets)
]


@pytest.mark.parametrize(("rule", "snippet", "matches"), _SNIPPETS)
def test_rule_matches_what_it_says(rule: Rule, snippet: str, matches: bool) -> None:
    path, _, text = snippet.partition(": ")
    found = {finding.rule for finding in scan_texts({path: text}).findings}
    assert (rule.id in found) is matches


def test_every_rule_has_both_kinds_of_snippets_and_help() -> None:
    assert rules()
    for rule in rules():
        assert rule.matches, rule.id
        assert rule.passes, rule.id
        assert rule.title, rule.id
        assert rule.help.endswith("."), rule.id
        assert rule.effort in ("S", "M", "L"), rule.id
        assert rule.tier in (0, 1, 2), rule.id


def test_rules_name_apis_that_exist() -> None:
    known = {api.value for api in Api}
    for rule in rules():
        if rule.uses is not None:
            assert set(rule.uses.apis) <= known, rule.id
