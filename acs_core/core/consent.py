"""Consent to being recorded: when it is missing, and what waits for it.

In a call that asks for consent, who has not given it sends no sound and no pictures once a
recording or a transcription runs. Both ends use this table: the service refuses, the client says
why before it asks.

Source: "Explicit recording consent" of Microsoft Teams meetings; the codes are those of the ACS
Calling SDK 2.0.0, CALL 41108 to 41110.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from acs_core.core.facts import ActivityChanged, CallType, EndpointAttributes, PublicationKind

__all__ = ["CONSENT_SUB_CODES", "is_consent_missing"]

CONSENT_SUB_CODES: Final[Mapping[PublicationKind, int]] = MappingProxyType(
    {
        PublicationKind.AUDIO: 41108,
        PublicationKind.VIDEO: 41109,
        PublicationKind.SCREEN: 41110,
    }
)
"""Sub code of the refusal to send each kind of media; data is not kept, so it may be sent."""


def is_consent_missing(
    type_: CallType, activity: ActivityChanged, attributes: EndpointAttributes
) -> bool:
    """Whether somebody must agree before they may send media.

    Calls between two people have no consent; there, a recording is only announced.

    Args:
        type_: How the call came about.
        activity: What is kept of the call now.
        attributes: Of the endpoint in question.
    """
    is_kept = bool(activity.recordings) or activity.is_transcribing
    return (
        is_kept
        and activity.needs_consent
        and not attributes.has_consented
        and type_ is not CallType.ONE_TO_ONE
    )
