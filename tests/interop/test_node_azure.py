"""Azure's interfaces with Microsoft's unmodified Node clients: users, tokens and rooms.

The clients are made from a connection string, with `allowInsecureConnection` for http, and sign
each request with the access key. `test_node_automation.py` has the calls.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    JoinCallOptions,
    RoomCallLocator,
)
from acs_core.client.credential import decode_token
from acs_core.errors import CallingError
from tests.interop.node_side import NodeError
from tests.interop.node_stage import Site

DAY = timedelta(days=1)
ANN, BEN, CAL = (f"8:acs:somewhere_{name}" for name in ("ann", "ben", "cal"))

ROLES = """async ({rooms, all}, room) => Object.fromEntries(
    (await all(rooms.listParticipants(room))).map(({id, role}) => [id.communicationUserId, role])
)"""


def is_near(value: object, wanted: datetime) -> bool:
    """Whether it is a date, within a minute."""
    return isinstance(value, datetime) and abs(value - wanted) < timedelta(minutes=1)


async def refusal(site: Site, source: str, *args: Any) -> tuple[int | None, int | str | None]:
    """Status and code of the client's RestError."""
    with pytest.raises(NodeError) as caught:
        await site.node.run(source, *args)
    assert caught.value.name == "RestError"
    assert caught.value.message
    return caught.value.status, caught.value.code


@pytest.mark.operations(
    "CreateIdentity", "IssueAccessToken", "RevokeAccessTokens", "DeleteIdentity"
)
async def test_a_user_gets_tokens_that_can_be_revoked_and_is_deleted(site: Site) -> None:
    node, url = site.node, site.service.url
    made = await node.run("({identity}) => identity.createUserAndToken(['voip'])")
    user = made["user"]
    assert decode_token(made["token"]).raw_id == user["communicationUserId"]
    assert is_near(made["expiresOn"], datetime.now(UTC) + DAY)
    async with CallClient(CallClientOptions(service_url=url)) as client:
        agent = await client.create_call_agent(AzureCommunicationTokenCredential(made["token"]))
        assert agent.connection_state == "Connected"

    other = await node.run("({identity}) => identity.createUser()")
    assert other["communicationUserId"] != user["communicationUserId"]
    get = "({identity}, user, scopes, options) => identity.getToken(user, scopes, options)"
    token = await node.run(get, other, ["chat", "voip"], {"tokenExpiresInMinutes": 60})
    assert is_near(token["expiresOn"], datetime.now(UTC) + timedelta(hours=1))
    assert await refusal(site, get, other, ["sing"], {}) == (400, "BadRequest")
    out_of_range = {"tokenExpiresInMinutes": 59}
    assert (await refusal(site, get, other, ["voip"], out_of_range))[0] == 400

    await node.run("({identity}, user) => identity.revokeTokens(user)", user)
    async with CallClient(CallClientOptions(service_url=url)) as client:
        with pytest.raises(CallingError):
            await client.create_call_agent(AzureCommunicationTokenCredential(made["token"]))
    delete = "({identity}, user) => identity.deleteUser(user)"
    await node.run(delete, user)
    assert await refusal(site, get, user, ["voip"], {}) == (404, "NotFound")
    assert await refusal(site, delete, user) == (404, "NotFound")


@pytest.mark.operations(
    "CreateAcsRoom", "GetAcsRoom", "UpdateAcsRoom", "ListAcsRooms", "DeleteAcsRoom"
)
async def test_a_room_is_made_changed_listed_and_deleted(site: Site) -> None:
    node = site.node
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    create = "({rooms}, options) => rooms.createRoom(options)"
    get = "({rooms}, room) => rooms.getRoom(room)"
    made = await node.run(create, {"validFrom": begin, "validUntil": begin + DAY})
    assert (made["validFrom"], made["validUntil"]) == (begin, begin + DAY)
    assert is_near(made["createdOn"], datetime.now(UTC))
    assert made["pstnDialOutEnabled"] is False
    assert await node.run(get, made["id"]) == made
    update = "({rooms}, room, options) => rooms.updateRoom(room, options)"
    changed = await node.run(update, made["id"], {"pstnDialOutEnabled": True})
    assert changed == made | {"pstnDialOutEnabled": True}
    changed = await node.run(update, made["id"], {"validUntil": begin + 2 * DAY})
    assert (changed["validFrom"], changed["validUntil"]) == (begin, begin + 2 * DAY)
    assert changed["pstnDialOutEnabled"] is True
    too_long = {"validFrom": begin, "validUntil": begin + 181 * DAY}
    assert await refusal(site, update, made["id"], too_long) == (400, "BadRequest")
    for _ in range(101):
        site.service.rooms.create()
    # Two pages.
    ids = await node.run(
        "async ({rooms, all}) => (await all(rooms.listRooms())).map((it) => it.id)"
    )
    assert ids[0] == made["id"]
    assert len(set(ids)) == 102
    plain = await node.run(create, {})
    assert plain["validUntil"] - plain["validFrom"] == 180 * DAY
    delete = "({rooms}, room) => rooms.deleteRoom(room)"
    await node.run(delete, made["id"])
    assert await refusal(site, get, made["id"]) == (404, "NotFound")
    assert await refusal(site, delete, made["id"]) == (404, "NotFound")


@pytest.mark.operations("CreateAcsRoom", "ListAcsRoomParticipants", "UpdateAcsRoomParticipants")
async def test_people_are_invited_get_roles_and_are_removed(site: Site) -> None:
    node = site.node
    made = await node.run(
        """({rooms}, ann, ben) => rooms.createRoom({participants: [
            {id: {communicationUserId: ann}, role: 'Presenter'},
            {id: {communicationUserId: ben}},
        ]})""",
        ANN,
        BEN,
    )
    room = made["id"]
    assert await node.run(ROLES, room) == {ANN: "Presenter", BEN: "Attendee"}
    await node.run(
        """({rooms}, room, ben, cal) => rooms.addOrUpdateParticipants(room, [
            {id: {communicationUserId: ben}, role: 'Consumer'},
            {id: {communicationUserId: cal}, role: 'Collaborator'},
        ])""",
        room,
        BEN,
        CAL,
    )
    remove = "({rooms}, room, who) => rooms.removeParticipants(room, [{communicationUserId: who}])"
    await node.run(remove, room, ANN)
    assert await node.run(ROLES, room) == {BEN: "Consumer", CAL: "Collaborator"}
    nobody = """({rooms}, room) => rooms.addOrUpdateParticipants(
        room, [{id: {communicationUserId: 'nobody'}}])"""
    assert await refusal(site, nobody, room) == (400, "BadRequest")
    assert await node.run(ROLES, room) == {BEN: "Consumer", CAL: "Collaborator"}
    assert await refusal(site, ROLES, "nowhere") == (404, "NotFound")


async def test_who_a_node_program_invited_joins_and_others_do_not(site: Site) -> None:
    made = await site.node.run(
        """async ({identity, rooms}) => {
            const {user, token} = await identity.createUserAndToken(['voip']);
            const room = await rooms.createRoom({participants: [{id: user, role: 'Presenter'}]});
            const stranger = await identity.createUserAndToken(['voip']);
            return {room: room.id, token, stranger: stranger.token};
        }"""
    )
    place, quiet = RoomCallLocator(made["room"]), JoinCallOptions(streams=())
    invited = await site.switch.caller(token=made["token"])
    call = await invited.agent.join(place, quiet).connected()
    assert call.state == "Connected"
    stranger = await site.switch.caller(token=made["stranger"])
    with pytest.raises(CallingError):
        await stranger.agent.join(place, quiet).connected()


async def test_a_wrong_key_is_unauthorized(site: Site) -> None:
    wrong = """async ({azure, all}) => {
        const key = Buffer.alloc(64, 1).toString('base64');
        const text = `endpoint=${process.env.SERVICE_URL};accesskey=${key}`;
        const stranger = new azure.RoomsClient(text, {allowInsecureConnection: true});
        return all(stranger.listRooms());
    }"""
    assert (await refusal(site, wrong))[0] == 401


async def test_without_the_option_the_clients_refuse_plain_http(site: Site) -> None:
    """What the README says that it is for."""
    plain = """async ({azure, all}) => {
        const text = `endpoint=${process.env.SERVICE_URL};accesskey=${process.env.ACS_KEY}`;
        return all(new azure.RoomsClient(text).listRooms());
    }"""
    with pytest.raises(NodeError, match="allowInsecureConnection"):
        await site.node.run(plain)
