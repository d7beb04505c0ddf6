"""Which requests reach the parts of the service."""

from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.service.call_services import CallServices
from acs_core.service.identity import Principal, PrincipalKind
from tests.support.crowd import Crowd, Member, raw, refusal

ROOM = wire.RoomLocator(room="daily")
ANN = (raw("ann"),)


@pytest.mark.parametrize(
    "request_",
    [
        wire.RemoveParticipant(endpoint="", identity=raw("ann")),
        wire.MuteParticipants(endpoint="", identities=None),
        wire.PermitMedia(endpoint="", identities=ANN, media="audio", is_permitted=False),
        wire.Spotlight(endpoint="", identities=ANN, is_on=True),
        wire.RaiseHand(endpoint="", identities=None, is_raised=False),
        wire.DecideLobby(endpoint="", identities=None, is_admitted=True),
    ],
    ids=lambda body: type(body).__name__,
)
def test_a_twilio_participant_moderates_nobody(request_: wire.RequestBody) -> None:
    crowd = Crowd()
    crowd.calls.rooms.create(unique_name="daily")
    ann = crowd.join("ann", ROOM)
    twilio = Principal(raw("tina"), PrincipalKind.TWILIO, 2e9, display_name="tina")
    tina = Member()
    tina.endpoint = ann.endpoint.call.join("f" * 32, twilio, tina)
    heard = len(ann.facts)
    services = CallServices(crowd.calls)
    assert refusal(lambda: services.handle(tina.endpoint, request_))[0] == 403
    assert len(ann.facts) == heard
    assert ann.endpoint.is_in_call
    services.handle(tina.endpoint, wire.RaiseHand(endpoint="", identities=(), is_raised=True))
    services.handle(tina.endpoint, wire.RaiseHand(endpoint="", identities=(), is_raised=False))
