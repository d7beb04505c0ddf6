from __future__ import annotations

import json
from typing import Any

import pytest

from acs_core import (
    AudioIssue,
    CallRating,
    CallSurvey,
    DeadlineError,
    Features,
    InvalidArgumentError,
    JoinCallOptions,
    OverallIssue,
    RatingScale,
    ScreenshareIssue,
    VideoIssue,
    wire,
)
from tests.support.calls import agent, joined
from tests.support.fake_session import FakeLink

NOTHING = JoinCallOptions(streams=())


async def test_a_survey_is_told_also_after_the_call() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        call = the_agent.join({"groupId": "6e7d4a1e-0000-4000-8000-000000000001"}, NOTHING)
        feature = call.feature(Features.CALL_SURVEY)
        survey = CallSurvey(
            overall_rating=CallRating(4),
            audio_rating=CallRating(10, (AudioIssue.ECHO,), RatingScale(0, 10, 2)),
        )
        with pytest.raises(InvalidArgumentError) as early:
            await feature.submit_survey(survey)
        assert early.value.sub_code == 45100
        await call.connected()
        await call.hang_up()
        response = await feature.submit_survey(survey)
        assert (response.call_id, response.local_participant_id) == ("c" * 32, call.id)
        assert response.overall_rating == CallRating(4)
        (asked,) = (body for body in link.asked if isinstance(body, wire.SubmitSurvey))
        assert (asked.id, asked.call, asked.endpoint) == (response.id, "c" * 32, call.id)
        assert json.loads(asked.survey) == {
            "overall_rating": {"score": 4, "issues": [], "scale": [1, 5, 3]},
            "audio_rating": {"score": 10, "issues": ["Echo"], "scale": [0, 10, 2]},
        }


@pytest.mark.feature("OBJECT-011")
@pytest.mark.parametrize(
    ("name", "issues"),
    [
        ("overall_rating", OverallIssue),
        ("audio_rating", AudioIssue),
        ("video_rating", VideoIssue),
        ("screenshare_rating", ScreenshareIssue),
    ],
)
async def test_every_issue_of_a_rating_is_taken_and_no_other(name: str, issues: Any) -> None:
    async with joined(NOTHING) as (call, _):
        feature = call.feature(Features.CALL_SURVEY)
        for chosen in (tuple(issues), tuple(issue.value for issue in issues)):
            await feature.submit_survey(CallSurvey(**{name: CallRating(1, chosen)}))
        for wrong in ("Unheard", "echo"):
            with pytest.raises(InvalidArgumentError) as caught:
                await feature.submit_survey(CallSurvey(**{name: CallRating(1, (wrong,))}))
            assert (caught.value.code, caught.value.sub_code) == (400, 45100)


@pytest.mark.parametrize(
    "survey",
    [
        None,
        CallSurvey(),
        CallSurvey(overall_rating=5),  # type: ignore[arg-type]
        CallSurvey(overall_rating=CallRating(0)),
        CallSurvey(overall_rating=CallRating(6)),
        CallSurvey(overall_rating=CallRating(2.5)),  # type: ignore[arg-type]
        CallSurvey(overall_rating=CallRating(True)),
        CallSurvey(overall_rating=CallRating(1, ("HadToRejoin", "HadToRejoin"))),
        CallSurvey(overall_rating=CallRating(1, None)),  # type: ignore[arg-type]
        CallSurvey(overall_rating=CallRating(1, scale=RatingScale(5, 1))),
        CallSurvey(overall_rating=CallRating(1, scale=RatingScale(0, 101))),
        CallSurvey(overall_rating=CallRating(1, scale=RatingScale(1, 2, 3))),
    ],
)
async def test_a_survey_that_makes_no_sense_is_refused(survey: Any) -> None:
    async with joined(NOTHING) as (call, _):
        with pytest.raises(InvalidArgumentError) as caught:
            await call.feature(Features.CALL_SURVEY).submit_survey(survey)
        assert (caught.value.code, caught.value.sub_code) == (400, 45100)


async def test_a_service_that_does_not_answer_is_a_time_out() -> None:
    link = FakeLink()
    async with agent(link) as the_agent:
        call = the_agent.join({"groupId": "6e7d4a1e-0000-4000-8000-000000000001"}, NOTHING)
        await call.connected()
        link.answers[wire.SubmitSurvey] = DeadlineError("late")
        with pytest.raises(DeadlineError) as caught:
            await call.feature(Features.CALL_SURVEY).submit_survey(
                CallSurvey(overall_rating=CallRating(3))
            )
        assert (caught.value.code, caught.value.sub_code) == (408, 45101)
