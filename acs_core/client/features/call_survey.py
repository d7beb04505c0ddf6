"""`Features.CALL_SURVEY`: what the user thought of a call, told to the service after it.

A survey may be submitted during the call and, as long as the call agent is there, after it.

Source: `CallSurveyFeature` of @azure/communication-calling 2.0.0; the bounds of the scales are
those of `CallSurveyRatingScale` in the Android reference of the ACS Calling SDK.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Generic, TypeVar

from acs_core import wire
from acs_core.client.features.base import CallFeature
from acs_core.errors import CallingError, DeadlineError, InvalidArgumentError

__all__ = [
    "AudioIssue",
    "CallRating",
    "CallSurvey",
    "CallSurveyFeature",
    "CallSurveyResponse",
    "OverallIssue",
    "RatingScale",
    "ScreenshareIssue",
    "SubmitSurveyOptions",
    "VideoIssue",
]

INVALID_SURVEY: Final = 45100
SUBMIT_TIMEOUT: Final = 45101
SCALE_LIMIT: Final = 100


class OverallIssue(StrEnum):
    """What was wrong with a call."""

    CALL_CANNOT_JOIN = "CallCannotJoin"
    CALL_CANNOT_INVITE = "CallCannotInvite"
    HAD_TO_REJOIN = "HadToRejoin"
    CALL_ENDED_UNEXPECTEDLY = "CallEndedUnexpectedly"
    OTHER_ISSUES = "OtherIssues"


class AudioIssue(StrEnum):
    """What was wrong with the sound."""

    NO_LOCAL_AUDIO = "NoLocalAudio"
    NO_REMOTE_AUDIO = "NoRemoteAudio"
    ECHO = "Echo"
    AUDIO_NOISE = "AudioNoise"
    LOW_VOLUME = "LowVolume"
    AUDIO_STOPPED_UNEXPECTEDLY = "AudioStoppedUnexpectedly"
    DISTORTED_SPEECH = "DistortedSpeech"
    AUDIO_INTERRUPTION = "AudioInterruption"
    OTHER_ISSUES = "OtherIssues"


class VideoIssue(StrEnum):
    """What was wrong with the pictures."""

    NO_VIDEO_RECEIVED = "NoVideoReceived"
    NO_VIDEO_SENT = "NoVideoSent"
    LOW_QUALITY = "LowQuality"
    FREEZES = "Freezes"
    STOPPED_UNEXPECTEDLY = "StoppedUnexpectedly"
    DARK_VIDEO_RECEIVED = "DarkVideoReceived"
    AUDIO_VIDEO_OUT_OF_SYNC = "AudioVideoOutOfSync"
    OTHER_ISSUES = "OtherIssues"


class ScreenshareIssue(StrEnum):
    """What was wrong with shared screens."""

    NO_CONTENT_LOCAL = "NoContentLocal"
    NO_CONTENT_REMOTE = "NoContentRemote"
    CANNOT_PRESENT = "CannotPresent"
    LOW_QUALITY = "LowQuality"
    FREEZES = "Freezes"
    STOPPED_UNEXPECTEDLY = "StoppedUnexpectedly"
    LARGE_DELAY = "LargeDelay"
    OTHER_ISSUES = "OtherIssues"


_Issue = TypeVar("_Issue", OverallIssue, AudioIssue, VideoIssue, ScreenshareIssue)


@dataclass(frozen=True, slots=True)
class RatingScale:
    """What a score means; whole numbers from 0 to 100.

    Attributes:
        lower_bound: The worst score.
        upper_bound: The best score.
        low_score_threshold: Scores up to this one are bad.
    """

    lower_bound: int = 1
    upper_bound: int = 5
    low_score_threshold: int = 3


@dataclass(frozen=True, slots=True)
class CallRating(Generic[_Issue]):
    """A score and what was wrong.

    Attributes:
        score: A whole number within the scale.
        issues: Members of the rating's issue enum, or their values, each once.
        scale: 1 to 5 unless given.
    """

    score: int
    issues: tuple[_Issue | str, ...] = ()
    scale: RatingScale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSurvey:
    """What the user thought of a call; at least one rating."""

    overall_rating: CallRating[OverallIssue] | None = None
    audio_rating: CallRating[AudioIssue] | None = None
    video_rating: CallRating[VideoIssue] | None = None
    screenshare_rating: CallRating[ScreenshareIssue] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSurveyResponse(CallSurvey):
    """The survey as the service took it.

    Attributes:
        id: Of the survey; 32 hex digits.
        call_id: The service's id of the call.
        local_participant_id: Our endpoint in the call.
    """

    id: str
    call_id: str
    local_participant_id: str


@dataclass(frozen=True, slots=True)
class SubmitSurveyOptions:
    """Options of a survey; ACS has none yet."""


_ISSUES: Final[Mapping[str, type[StrEnum]]] = {
    "overall_rating": OverallIssue,
    "audio_rating": AudioIssue,
    "video_rating": VideoIssue,
    "screenshare_rating": ScreenshareIssue,
}


class CallSurveyFeature(CallFeature):
    """The survey of a call."""

    NAME: ClassVar[str] = "CallSurvey"

    async def submit_survey(
        self, survey: CallSurvey, options: SubmitSurveyOptions | None = None
    ) -> CallSurveyResponse:
        """Tell the service what the user thought of the call.

        Args:
            survey: At least one rating.
            options: There are none yet.

        Raises:
            InvalidArgumentError: 400/45100: no rating, a score outside its scale, an issue that
                the rating does not have, or a call that was never connected.
            DeadlineError: 408/45101: the service did not answer in time.
            CallingError: The service cannot be reached; for instance the agent is disposed.
        """
        del options
        text = json.dumps(_as_json(survey))
        session = self._context.session
        if session is None or not session.call_id:
            raise _invalid("A call that was never connected has no survey.")
        response = CallSurveyResponse(
            overall_rating=survey.overall_rating,
            audio_rating=survey.audio_rating,
            video_rating=survey.video_rating,
            screenshare_rating=survey.screenshare_rating,
            id=uuid.uuid4().hex,
            call_id=session.call_id,
            local_participant_id=self._context.endpoint_id,
        )
        await self._submit(response, text)
        return response

    async def _submit(self, response: CallSurveyResponse, text: str) -> None:
        try:
            await self._context.ask_service(
                wire.SubmitSurvey(
                    endpoint=response.local_participant_id,
                    call=response.call_id,
                    id=response.id,
                    survey=text,
                )
            )
        except DeadlineError as error:
            raise DeadlineError(
                "The service did not take the survey in time.",
                sub_code=SUBMIT_TIMEOUT,
                stage=error.stage,
                next_step="Submit it again.",
            ) from error


def _as_json(survey: CallSurvey) -> dict[str, object]:
    """The ratings by name, checked.

    Raises:
        InvalidArgumentError: 400/45100.
    """
    if not isinstance(survey, CallSurvey):
        raise _invalid("A survey is a CallSurvey.")
    ratings = {name: getattr(survey, name) for name in _ISSUES}
    given = {name: rating for name, rating in ratings.items() if rating is not None}
    if not given:
        raise _invalid("A survey needs at least one rating.")
    return {name: _rating(name, rating) for name, rating in given.items()}


def _rating(name: str, rating: object) -> dict[str, object]:
    if not isinstance(rating, CallRating):
        raise _invalid(f"{name} is a CallRating.")
    scale = rating.scale or RatingScale()
    bounds = (scale.lower_bound, scale.upper_bound, scale.low_score_threshold)
    if not all(_is_whole(number) for number in (*bounds, rating.score)):
        raise _invalid(f"Scores and scales of {name} are whole numbers.")
    if not 0 <= scale.lower_bound < scale.upper_bound <= SCALE_LIMIT:
        raise _invalid(f"The scale of {name} does not lie within 0 to {SCALE_LIMIT}.")
    if not scale.lower_bound <= scale.low_score_threshold <= scale.upper_bound:
        raise _invalid(f"The threshold of {name} lies outside its scale.")
    if not scale.lower_bound <= rating.score <= scale.upper_bound:
        raise _invalid(
            f"The score of {name} is {rating.score}; its scale is {bounds[0]} to {bounds[1]}."
        )
    known = set(_ISSUES[name])
    if isinstance(rating.issues, str) or not isinstance(rating.issues, Iterable):
        raise _invalid(f"The issues of {name} are a list.")
    issues = [str(issue) for issue in rating.issues]
    unknown = [issue for issue in issues if issue not in known]
    if unknown or len(set(issues)) < len(issues):
        raise _invalid(
            f"{name} has issues that are unknown or named twice: {unknown or issues}.",
            next_step=f"Use members of {_ISSUES[name].__name__}.",
        )
    return {"score": rating.score, "issues": issues, "scale": list(bounds)}


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _invalid(message: str, next_step: str = "") -> CallingError:
    return InvalidArgumentError(message, sub_code=INVALID_SURVEY, next_step=next_step)
