"""A room of Azure's client and a room of Twilio's are the same thing seen twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.communication.rooms import CommunicationUserIdentifier, RoomParticipant
from azure.communication.rooms.aio import RoomsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from twilio.base.exceptions import TwilioRestException

from acs_core import ParticipantRole, RoomCallLocator
from acs_core.identifiers import acs_raw_id
from tests.support.events import next_event, until
from tests.support.people import Meeting, meeting
from tests.twilio_compat.rest.conftest import Rest
from twilio_compat import TwilioError


@dataclass
class Both:
    """A service with people, and the unmodified clients of both vendors."""

    place: Meeting
    azure: RoomsClient
    twilio: Rest

    def identifier(self, identity: str) -> CommunicationUserIdentifier:
        """Who a Twilio identity is for Azure."""
        resource = self.place.server.settings.acs_resource_id
        return CommunicationUserIdentifier(acs_raw_id(resource, identity))

    def invited(self, identity: str, role: str = "Presenter") -> RoomParticipant:
        return RoomParticipant(communication_identifier=self.identifier(identity), role=role)

    async def rooms(self) -> list[str]:
        return [room.id async for room in self.azure.list_rooms()]


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with meeting() as place:
        key = place.server.settings.acs_access_key
        assert key is not None
        credential = AzureKeyCredential(key.get_secret_value())
        async with RoomsClient(place.url, credential, retry_total=0) as azure:
            yield Both(place, azure, Rest(place.server, None))  # type: ignore[arg-type]


async def test_who_azures_client_invites_joins_as_a_twilio_participant(both: Both) -> None:
    made = await both.azure.create_room(participants=[both.invited("alice")])
    alice = await both.place.guest("alice", name=made.id)
    # Twilio's REST API sees the call that runs in it.
    seen = await both.twilio.call(lambda: both.twilio.rooms(alice.sid).fetch())
    assert (seen.sid, seen.status) == (alice.sid, "in-progress")
    (person,) = await both.twilio.call(lambda: both.twilio.rooms(alice.sid).participants.list())
    assert (person.sid, person.identity) == (alice.local_participant.sid, "alice")
    with pytest.raises(TwilioError):
        await both.place.guest("mallory", name=made.id)


async def test_what_azures_client_changes_reaches_who_is_there(both: Both) -> None:
    people = [both.invited("alice"), both.invited("bob")]
    made = await both.azure.create_room(participants=people)
    alice = await both.place.guest("alice", name=made.id)
    bob = await both.place.guest("bob", name=made.id)
    await until(lambda: len(alice.participants) == 1)
    (call,) = both.place.server.calls.live.values()
    role = [both.invited("bob", "Consumer")]
    await both.azure.add_or_update_participants(room_id=made.id, participants=role)
    roles = {item.principal.display_name: item.attributes.role for item in call.endpoints.values()}
    assert roles == {"alice": ParticipantRole.PRESENTER, "bob": ParticipantRole.CONSUMER}
    gone = next_event(bob, "disconnected")
    await both.azure.remove_participants(room_id=made.id, participants=[both.identifier("bob")])
    await gone
    await until(lambda: not alice.participants)
    with pytest.raises(TwilioError):
        await both.place.guest("bob", name=made.id)


async def test_a_room_that_azures_client_deletes_ends_for_both_styles(both: Both) -> None:
    anna = await both.place.user("Anna")
    person = RoomParticipant(
        communication_identifier=CommunicationUserIdentifier(anna.raw_id), role="Presenter"
    )
    made = await both.azure.create_room(participants=[both.invited("alice"), person])
    alice = await both.place.guest("alice", name=made.id)
    call = await anna.join(RoomCallLocator(made.id))
    ended = next_event(alice, "disconnected")
    await both.azure.delete_room(made.id)
    error = (await ended)[-1]
    assert isinstance(error, TwilioError)
    assert error.code == 53118
    assert (await call.ended()).sub_code == 53118
    assert made.id not in await both.rooms()
    done = await both.twilio.call(lambda: both.twilio.rooms(alice.sid).fetch())
    assert done.status == "completed"


async def test_a_twilio_room_is_seen_by_azures_client_while_it_is_in_progress(both: Both) -> None:
    made = await both.twilio.call(lambda: both.twilio.rooms.create(unique_name="daily"))
    alice = await both.place.guest("alice", name="daily")
    assert alice.sid == made.sid
    seen = await both.azure.get_room(made.sid)
    assert (await both.azure.get_room("daily")) == (await both.azure.get_room(seen.id)) == seen
    assert seen.id in await both.rooms()
    people = [item async for item in both.azure.list_participants("daily")]
    assert people == [both.invited("alice")]
    await both.azure.delete_room(seen.id)
    await until(lambda: alice.state == "disconnected")
    assert seen.id not in await both.rooms()
    with pytest.raises(HttpResponseError):
        await both.azure.get_room("daily")


async def test_what_a_twilio_room_has_not_cannot_be_changed(both: Both) -> None:
    made = await both.twilio.call(lambda: both.twilio.rooms.create(unique_name="daily"))
    alice = await both.place.guest("alice", name="daily")
    end = (await both.azure.get_room("daily")).valid_until
    wishes: tuple[Any, ...] = (
        both.azure.update_room(room_id=made.sid, valid_until=end),
        both.azure.add_or_update_participants(room_id="daily", participants=[both.invited("bob")]),
        both.azure.remove_participants(room_id="daily", participants=[both.identifier("alice")]),
    )
    for wish in wishes:
        with pytest.raises(HttpResponseError) as caught:
            await wish
        assert caught.value.status_code == 400
    changed = await both.azure.update_room(room_id="daily", pstn_dial_out_enabled=False)
    assert changed.pstn_dial_out_enabled is False
    assert alice.state == "connected"


async def test_a_room_of_azures_client_is_not_in_progress_before_somebody_comes(
    both: Both,
) -> None:
    made = await both.azure.create_room(participants=[both.invited("alice")])
    with pytest.raises(TwilioRestException) as caught:
        await both.twilio.call(lambda: both.twilio.rooms(made.id).fetch())
    assert caught.value.code == 20404
