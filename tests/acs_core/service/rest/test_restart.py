"""What Azure's clients were told is true after the service was started again."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from azure.communication.identity import CommunicationUserIdentifier
from azure.core.exceptions import ResourceNotFoundError

from acs_core import (
    AuthenticationError,
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
)
from acs_core.service import ServiceSettings, embedded
from acs_core.service.settings import new_access_key
from tests.acs_core.service.rest.conftest import Azure
from tests.acs_core.service.rest.test_rooms import ANN, BEN, invited, roles


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    given: dict[str, Any] = {"acs_access_key": new_access_key(), "data_dir": tmp_path}
    return ServiceSettings(port=0, media_port=0, **given)


async def test_rooms_and_users_are_as_they_were(settings: ServiceSettings) -> None:
    async with embedded(settings) as service, AsyncExitStack() as clients:
        azure = Azure(service, False, None, clients)
        rooms, identities = await azure.client("rooms"), await azure.client("identity")
        kept = await rooms("create_room", participants=[invited(ANN), invited(BEN)])
        kept = await rooms("update_room", room_id=kept.id, pstn_dial_out_enabled=True)
        await rooms("remove_participants", room_id=kept.id, participants=[invited(BEN)])
        deleted = await rooms("create_room", pstn_dial_out_enabled=True)
        other = await rooms("create_room")
        await rooms("delete_room", deleted.id)
        ann, before = await identities("create_user_and_token", ["voip"])
        await identities("revoke_tokens", ann)
        ben = await identities("create_user")
        await identities("delete_user", ben)
    async with embedded(settings) as service, AsyncExitStack() as clients:
        azure = Azure(service, False, None, clients)
        rooms, identities = await azure.client("rooms"), await azure.client("identity")
        assert await rooms("list_rooms") == [kept, other]
        assert await roles(rooms, kept.id) == {ANN: "Attendee"}
        async with CallClient(CallClientOptions(service_url=service.url)) as client:
            revoked = AzureCommunicationTokenCredential(before.token)
            with pytest.raises(AuthenticationError):
                await client.create_call_agent(revoked)
        await identities("get_token", ann, ["voip"])
        with pytest.raises(ResourceNotFoundError):
            await identities("get_token", ben, ["voip"])
        with pytest.raises(ResourceNotFoundError):
            await identities("get_token", CommunicationUserIdentifier("8:acs:x_y"), ["voip"])
