from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.surveys import KEPT, KEPT_PER_USER, Surveys

ANNA = Principal("8:acs:r_a", PrincipalKind.ACS, 2e9)


def survey(number: int, text: str = '{"overall_rating": {"score": 3}}') -> wire.SubmitSurvey:
    return wire.SubmitSurvey(endpoint="e", call="c", id=str(number), survey=text)


def test_a_survey_that_comes_twice_counts_once() -> None:
    surveys = Surveys()
    surveys.submit(ANNA, survey(1))
    surveys.submit(ANNA, survey(1))
    (kept,) = surveys.all
    assert (kept.user, kept.call, kept.endpoint) == (ANNA.raw_id, "c", "e")
    assert kept.answers == {"overall_rating": {"score": 3}}


def test_so_many_are_kept_and_nobody_fills_the_service_alone() -> None:
    surveys = Surveys()
    for number in range(KEPT + 10):
        user = Principal(f"8:acs:r_{number // KEPT_PER_USER}", PrincipalKind.ACS, 2e9)
        surveys.submit(user, survey(number))
    assert len(surveys.all) == KEPT
    assert surveys.all[0].id == "10"
    full = Principal("8:acs:r_5", PrincipalKind.ACS, 2e9)
    with pytest.raises(ServiceError) as caught:
        surveys.submit(full, survey(-1))
    assert caught.value.code == 429


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 4000, '{"a": "' + "x" * 4096 + '"}'])
def test_what_is_no_small_object_is_refused(text: str) -> None:
    surveys = Surveys()
    with pytest.raises(InvalidArgumentError) as caught:
        surveys.submit(ANNA, survey(1, text))
    assert caught.value.sub_code == 45100
    assert surveys.all == ()
