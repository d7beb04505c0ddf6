from __future__ import annotations

import itertools

import pytest

from acs_core.core.consent import CONSENT_SUB_CODES, is_consent_missing
from acs_core.core.facts import (
    ActivityChanged,
    CallType,
    EndpointAttributes,
    PublicationKind,
    RecordingEntry,
)

PAUSED = RecordingEntry(id="r", is_paused=True)


@pytest.mark.parametrize("type_", CallType)
def test_consent_is_missing_only_where_all_conditions_hold(type_: CallType) -> None:
    for recorded, transcribed, needed, given in itertools.product((True, False), repeat=4):
        activity = ActivityChanged(
            recordings=(PAUSED,) if recorded else (),
            is_transcribing=transcribed,
            needs_consent=needed,
        )
        missing = is_consent_missing(type_, activity, EndpointAttributes(has_consented=given))
        is_group = type_ is not CallType.ONE_TO_ONE
        assert missing is ((recorded or transcribed) and needed and not given and is_group)


def test_data_needs_no_consent() -> None:
    assert set(PublicationKind) - set(CONSENT_SUB_CODES) == {PublicationKind.DATA}
