"""Bodies of Call Automation are read, or refused as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError
from acs_core.service.automation import bodies

TYPES = [
    bodies.AddParticipant,
    bodies.AnswerCall,
    bodies.CancelAddParticipant,
    bodies.Connect,
    bodies.CreateCall,
    bodies.MuteParticipants,
    bodies.Play,
    bodies.RedirectCall,
    bodies.RejectCall,
    bodies.RemoveParticipant,
    bodies.SendTones,
    bodies.SetHold,
    bodies.StartRecording,
    bodies.Transcribe,
    bodies.Transfer,
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = sorted({name for type_ in TYPES for name in type_.__struct_encode_fields__})


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6), st.sampled_from(TYPES))
def test_nonsense_is_refused_or_read(body: dict[str, Any], type_: Any) -> None:
    refused: InvalidArgumentError | None = None
    try:
        bodies.decode(body, type_)
    except InvalidArgumentError as error:
        refused = error
    assert refused is None or refused.sub_code == 8523


@pytest.mark.parametrize(
    ("given", "raw_id"),
    [
        ({"rawId": "8:acs:r_u"}, "8:acs:r_u"),
        ({"communicationUser": {"id": "8:acs:r_u"}, "kind": "communicationUser"}, "8:acs:r_u"),
        ({"phoneNumber": {"value": "+15550100"}}, "4:+15550100"),
        ({"rawId": "8:orgid:u", "microsoftTeamsUser": {"userId": "u"}}, "8:orgid:u"),
    ],
)
def test_identifiers_are_read_and_written_as_acs_writes_them(
    given: dict[str, Any], raw_id: str
) -> None:
    wanted = bodies.decode({"targetParticipant": given}, bodies.SetHold)
    assert wanted.target_participant.who() == raw_id
    written = bodies.identifier_json(raw_id)
    assert written["rawId"] == raw_id
    again = bodies.decode({"targetParticipant": written}, bodies.SetHold)
    assert again.target_participant.who() == raw_id


@pytest.mark.parametrize("given", [{}, {"rawId": ""}, {"phoneNumber": {"value": "home"}}])
def test_an_identifier_must_name_somebody(given: dict[str, Any]) -> None:
    wanted = bodies.decode({"targetParticipant": given}, bodies.SetHold)
    with pytest.raises(InvalidArgumentError) as caught:
        wanted.target_participant.who()
    assert caught.value.sub_code == 8523


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        bodies.decode({"invitationId": "\ud800"}, bodies.CancelAddParticipant)


def test_headers_of_a_call_are_told_apart() -> None:
    given = {"sipHeaders": {"User-To-User": "a", "X-MS-Custom-b": "c"}, "voipHeaders": {"d": "e"}}
    body = {"participantToAdd": {"rawId": "8:acs:r_u"}, "customCallingContext": given}
    wanted = bodies.decode(body, bodies.AddParticipant)
    assert wanted.custom_calling_context is not None
    context = wanted.custom_calling_context.context()
    assert context.user_to_user == "a"
    assert [(item.key, item.value) for item in context.sip_headers] == [("X-MS-Custom-b", "c")]
    assert [(item.key, item.value) for item in context.voip_headers] == [("d", "e")]


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://h/p", "http://", "http://[::1", "http://h/\n", "http://h/" * 999]
)
def test_callbacks_are_absolute_web_addresses(url: str) -> None:
    if not url:
        assert bodies.callback(url) == ""
        return
    with pytest.raises(InvalidArgumentError):
        bodies.callback(url)


def test_every_callback_of_a_body_is_found() -> None:
    wanted = bodies.decode(
        {"invitationId": "i", "operationCallbackUri": "https://h/o"}, bodies.CancelAddParticipant
    )
    assert bodies.callbacks_of(wanted) == ["https://h/o"]
