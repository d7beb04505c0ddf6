"""What the service and its clients agree on about reactions and the spotlight.

Source: `Reaction` of @azure/communication-calling 2.0.0; the ACS page on the spotlight for its
limit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["MOST_SPOTLIGHTED", "Reaction"]

MOST_SPOTLIGHTED: Final = 7
"""Participants in the spotlight of one call."""


class Reaction(StrEnum):
    """What somebody can show to everybody for a moment."""

    LIKE = "like"
    HEART = "heart"
    LAUGH = "laugh"
    SURPRISED = "surprised"
    APPLAUSE = "applause"
