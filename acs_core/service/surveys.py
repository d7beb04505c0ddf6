"""What users thought of their calls: kept in memory, the newest, and logged.

Whoever runs the service reads `Surveys.all`, or the log, where each survey is one line of JSON.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from acs_core import wire
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.service.identity import Principal

__all__ = ["Survey", "Surveys"]

_log = logging.getLogger(__name__)

KEPT: Final = 1000
KEPT_PER_USER: Final = 100
SIZE_LIMIT: Final = 4096
INVALID_SURVEY: Final = 45100


@dataclass(frozen=True, slots=True)
class Survey:
    """One survey.

    Attributes:
        user: Raw id of who submitted it.
        call: The call's id, as the client says.
        endpoint: The endpoint that the user had in the call, as the client says.
        answers: Ratings by name, each with score, issues, and scale.
    """

    id: str
    user: str
    call: str
    endpoint: str
    answers: dict[str, Any]


class Surveys:
    """The newest surveys of this service."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[tuple[str, str], Survey] = OrderedDict()

    @property
    def all(self) -> tuple[Survey, ...]:
        """The newest 1000, oldest first."""
        return tuple(self._by_id.values())

    def submit(self, principal: Principal, body: wire.SubmitSurvey) -> None:
        """Keep a survey; one that is submitted again takes the place of itself.

        Raises:
            InvalidArgumentError: 400/45100: it is too large, or no JSON object.
            ServiceError: 429: the user has submitted too many.
        """
        key = (principal.raw_id, body.id)
        survey = Survey(body.id, principal.raw_id, body.call, body.endpoint, _answers(body))
        own = sum(user == principal.raw_id for user, _ in self._by_id)
        if own >= KEPT_PER_USER and key not in self._by_id:
            raise ServiceError("The user has submitted too many surveys.", code=429)
        self._by_id[key] = survey
        self._by_id.move_to_end(key)
        if len(self._by_id) > KEPT:
            self._by_id.popitem(last=False)
        _log.info(
            "survey %s", json.dumps({"call": body.call, "endpoint": body.endpoint} | survey.answers)
        )


def _answers(body: wire.SubmitSurvey) -> dict[str, Any]:
    sizes = (len(body.survey), len(body.call), len(body.endpoint), len(body.id))
    try:
        answers = json.loads(body.survey) if max(sizes) <= SIZE_LIMIT else None
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        raise InvalidArgumentError(
            f"A survey is a JSON object of at most {SIZE_LIMIT} characters.",
            sub_code=INVALID_SURVEY,
            stage=Stage.ARGUMENT,
        )
    return answers
