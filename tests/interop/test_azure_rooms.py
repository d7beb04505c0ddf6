"""A room that Azure's client made, and the unmodified SDK in it."""

from __future__ import annotations

import pytest
from azure.communication.rooms import CommunicationUserIdentifier, RoomParticipant
from azure.communication.rooms.aio import RoomsClient
from azure.core.credentials import AzureKeyCredential

from acs_core.identifiers import acs_raw_id
from tests.interop.stage import Stage
from tests.interop.values import PageError


async def test_who_azures_client_invited_joins_with_the_unmodified_sdk(stage: Stage) -> None:
    settings = stage.server.settings
    assert settings.acs_access_key is not None
    credential = AzureKeyCredential(settings.acs_access_key.get_secret_value())
    alice = CommunicationUserIdentifier(acs_raw_id(settings.acs_resource_id, "alice"))
    async with RoomsClient(stage.url, credential, retry_total=0) as rooms:
        participant = RoomParticipant(communication_identifier=alice, role="Presenter")
        room = await rooms.create_room(participants=[participant])
        page = await stage.joined("alice", room.id)
        status, body = await stage.rest("GET", f"/v1/Rooms/{page.room_sid}/Participants")
        assert (status, [item["identity"] for item in body["participants"]]) == (200, ["alice"])
        stranger = await stage.page("mallory")
        with pytest.raises(PageError) as caught:
            await stranger.connect(room.id)
        assert caught.value.code == 53104
        await rooms.remove_participants(room_id=room.id, participants=[alice])
        await page.event("disconnected")
