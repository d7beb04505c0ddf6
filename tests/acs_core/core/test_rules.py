from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.facts import Priority
from acs_core.core.rules import EXCLUDE_ALL, INCLUDE_ALL, RuleSubject, TrackRule, includes

KINDS = ("audio", "video", "data")
NAMES = ("anna", "ben", "camera", "screen")

CAMERA = RuleSubject(
    kind="video", publisher=frozenset({"anna", "PA1"}), track=frozenset({"camera", "MT1"})
)

RULES = st.builds(
    TrackRule,
    is_include=st.booleans(),
    kind=st.none() | st.sampled_from(KINDS),
    publisher=st.none() | st.sampled_from(NAMES),
    track=st.none() | st.sampled_from(NAMES),
    priority=st.none() | st.sampled_from(Priority),
)
SUBJECTS = st.builds(
    RuleSubject,
    kind=st.sampled_from(KINDS),
    publisher=st.frozensets(st.sampled_from(NAMES)),
    track=st.frozensets(st.sampled_from(NAMES)),
    priority=st.sampled_from(Priority),
)


def test_without_a_rule_nothing_is_included() -> None:
    assert not includes((), CAMERA)
    assert includes(INCLUDE_ALL, CAMERA)
    assert not includes(EXCLUDE_ALL, CAMERA)


@pytest.mark.parametrize(
    "rule",
    [
        TrackRule(is_include=False, kind="video"),
        TrackRule(is_include=False, publisher="anna"),
        TrackRule(is_include=False, publisher="PA1"),
        TrackRule(is_include=False, track="camera"),
        TrackRule(is_include=False, track="MT1", priority=Priority.STANDARD),
    ],
)
def test_a_filter_that_the_track_passes_decides(rule: TrackRule) -> None:
    assert not rule.is_about_all
    assert not includes((*INCLUDE_ALL, rule), CAMERA)
    assert includes((rule, *INCLUDE_ALL), CAMERA)


@pytest.mark.parametrize(
    "rule",
    [
        TrackRule(is_include=False, kind="audio"),
        TrackRule(is_include=False, publisher="ben"),
        TrackRule(is_include=False, track="screen"),
        TrackRule(is_include=False, priority=Priority.HIGH),
        TrackRule(is_include=False, kind="video", publisher="ben"),
    ],
)
def test_a_track_must_pass_every_filter(rule: TrackRule) -> None:
    assert includes((*INCLUDE_ALL, rule), CAMERA)


@given(st.lists(RULES), SUBJECTS)
def test_the_last_rule_that_matches_decides(rules: list[TrackRule], subject: RuleSubject) -> None:
    matching = [rule for rule in rules if rule.matches(subject)]
    assert includes(rules, subject) is bool(matching and matching[-1].is_include)


@given(st.lists(RULES), SUBJECTS)
def test_a_last_rule_about_all_has_the_last_word(
    rules: list[TrackRule], subject: RuleSubject
) -> None:
    assert includes((*rules, *INCLUDE_ALL), subject)
    assert not includes((*rules, *EXCLUDE_ALL), subject)
    assert all(rule.matches(subject) for rule in rules if rule.is_about_all)
