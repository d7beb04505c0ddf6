"""Programs get hold of calls, and hear of what happens in them, through Microsoft's client."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.communication.callautomation import (
    PhoneNumberIdentifier,
)
from azure.communication.callautomation._generated import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from acs_core import GroupCallLocator as Group
from acs_core import JoinCallOptions, RoomCallLocator
from acs_core.core import endings
from tests.acs_core.service.automation.conftest import Site
from tests.support.automation import program
from tests.support.callers import SILENT
from tests.support.events import until

QUIET = JoinCallOptions(streams=())


def users(participants: list[Any]) -> set[str]:
    return {item.identifier.raw_id for item in participants}


async def test_a_program_calls_somebody_and_hears_that_they_answered(site: Site) -> None:
    anna = await site.person("Anna")
    rings = anna.rings()
    created = await site.program.ask(
        "create_call",
        AzureUser(anna.raw_id),
        site.callbacks.url,
        source_display_name="Hotline",
        operation_context="ctx-1",
    )
    assert created.call_connection_state == "connecting"
    incoming = await rings
    assert incoming.caller_info.display_name == "Hotline"
    await (await incoming.accept(SILENT)).connected()
    connected = models.CallConnected.deserialize(await site.callbacks.event("CallConnected"))
    assert connected.call_connection_id == created.call_connection_id
    assert connected.server_call_id == created.server_call_id
    assert connected.operation_context == "ctx-1"
    assert connected.result_information.code == 200
    updated = models.ParticipantsUpdated.deserialize(
        await site.callbacks.event("ParticipantsUpdated")
    )
    assert {item.identifier.raw_id for item in updated.participants} == {
        anna.raw_id,
        created.source.raw_id,
    }
    now = await site.program.on(created.call_connection_id, "get_call_properties")
    assert now.call_connection_state == "connected"
    assert [target.raw_id for target in now.targets] == [anna.raw_id]
    assert now.source_display_name == "Hotline"
    assert now.callback_url == site.callbacks.url


async def test_events_are_cloud_events_about_the_connection(site: Site) -> None:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    await (await rings).accept(SILENT)
    event = await site.callbacks.whole("CallConnected")
    assert event.source == f"calling/callConnections/{created.call_connection_id}/CallConnected"
    assert event.specversion == "1.0"
    assert event.time is not None
    assert event.datacontenttype == "application/json"


async def test_a_call_that_nobody_answers_fails_and_is_gone(site: Site) -> None:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    await (await rings).reject()
    failed = models.CreateCallFailed.deserialize(await site.callbacks.event("CreateCallFailed"))
    assert failed.result_information.code == 603
    await site.callbacks.event("CallDisconnected")
    assert site.callbacks.kinds == ["CreateCallFailed", "CallDisconnected"]
    with pytest.raises(ResourceNotFoundError) as caught:
        await site.program.on(created.call_connection_id, "get_call_properties")
    assert caught.value.error.code == "8522"  # type: ignore[attr-defined]


async def test_a_program_calls_several_people_as_a_user(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    both = anna.rings(), ben.rings()
    source, _ = site.switch.service.issue_user_token()
    created = await site.program.ask(
        "create_call",
        [AzureUser(anna.raw_id), AzureUser(ben.raw_id)],
        site.callbacks.url,
    )
    for ringing in both:
        await (await (await ringing).accept(SILENT)).connected()
    await until(lambda: len(site.callbacks.events) >= 3)
    present = await site.program.on(created.call_connection_id, "list_participants")
    assert users(present) == {anna.raw_id, ben.raw_id, created.source.raw_id}
    assert source not in users(present)


async def test_the_source_of_a_call_must_be_a_user_of_the_resource(site: Site) -> None:
    anna = await site.person()
    site.program._client.source = AzureUser("8:acs:elsewhere_somebody")
    with pytest.raises(HttpResponseError) as caught:
        await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    assert (caught.value.status_code, caught.value.error.code) == (403, "7507")
    user, _ = site.switch.service.issue_user_token()
    site.program._client.source = AzureUser(user)
    rings = anna.rings()
    await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    assert (await rings).caller_info.identifier.raw_id == user


async def test_hanging_up_a_call_of_two_ends_it(site: Site) -> None:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    call = await (await (await rings).accept(SILENT)).connected()
    await site.callbacks.event("CallConnected")
    await site.program.on(created.call_connection_id, "hang_up", False)
    disconnected = models.CallDisconnected.deserialize(
        await site.callbacks.event("CallDisconnected")
    )
    assert disconnected.result_information.code == 200
    assert disconnected.result_information.sub_code == 7000
    await until(lambda: call.state == "Disconnected")
    assert not site.switch.service.calls.live


async def test_a_program_hears_that_the_other_side_hung_up(site: Site) -> None:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    call = await (await (await rings).accept(SILENT)).connected()
    await site.callbacks.event("CallConnected")
    await call.hang_up()
    gone = await site.callbacks.event("CallDisconnected")
    assert gone["callConnectionId"] == created.call_connection_id
    assert site.callbacks.kinds[-1] == "CallDisconnected"


@pytest.mark.parametrize("by", ["server", "group", "room"])
async def test_a_program_connects_to_a_call_that_goes_on_unseen(site: Site, by: str) -> None:
    anna = await site.person()
    place: dict[str, str]
    if by == "room":
        room = site.switch.service.rooms.create()
        call = await anna.agent.join(RoomCallLocator(room.id), QUIET).connected()
        place = {"room_id": room.id}
    else:
        group = str(uuid.uuid4())
        call = await anna.agent.join(Group(group), QUIET).connected()
        live = next(iter(site.switch.service.calls.live))
        place = {"group_call_id": group} if by == "group" else {"server_call_id": live}
    connected = await site.program.ask("connect_call", site.callbacks.url, **place)
    assert connected.call_connection_state == "connected"
    updated = await site.callbacks.event("ParticipantsUpdated")
    assert site.callbacks.kinds == ["CallConnected", "ParticipantsUpdated"]
    assert [item["identifier"]["rawId"] for item in updated["participants"]] == [anna.raw_id]
    assert call.remote_participants == ()
    await site.program.on(connected.call_connection_id, "hang_up", False)
    await site.callbacks.event("CallDisconnected")
    assert call.state == "Connected"


async def test_a_program_hears_who_comes_and_goes_and_that_the_call_ended(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    group = str(uuid.uuid4())
    first = await anna.agent.join(Group(group), QUIET).connected()
    await site.program.ask("connect_call", site.callbacks.url, group_call_id=group)
    second = await ben.agent.join(Group(group), QUIET).connected()
    updated = await site.callbacks.event("ParticipantsUpdated", 2)
    assert updated["sequenceNumber"] == 2
    assert len(updated["participants"]) == 2
    await second.hang_up()
    updated = await site.callbacks.event("ParticipantsUpdated", 3)
    assert [item["identifier"]["rawId"] for item in updated["participants"]] == [anna.raw_id]
    await first.hang_up()
    await site.callbacks.event("CallDisconnected")


async def test_terminating_ends_the_call_for_everyone(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    group = str(uuid.uuid4())
    calls = [await who.agent.join(Group(group), QUIET).connected() for who in (anna, ben)]
    connected = await site.program.ask("connect_call", site.callbacks.url, group_call_id=group)
    await site.program.on(connected.call_connection_id, "hang_up", True)
    await until(lambda: all(call.state == "Disconnected" for call in calls))
    ended = endings.ENDED_FOR_EVERYONE
    assert {call.call_end_reason.sub_code for call in calls if call.call_end_reason} == {
        ended.sub_code
    }
    told = await site.callbacks.event("CallDisconnected")
    assert told["resultInformation"]["message"] == ended.message
    assert not site.switch.service.calls.live


async def test_calls_that_are_not_there_cannot_be_connected_to(site: Site) -> None:
    for place in (
        {"server_call_id": "f" * 32},
        {"group_call_id": str(uuid.uuid4())},
        {"room_id": "99990000000000000"},
    ):
        with pytest.raises(ResourceNotFoundError) as caught:
            await site.program.ask("connect_call", site.callbacks.url, **place)
        assert caught.value.error.code == "8522"  # type: ignore[attr-defined]


async def test_what_is_wrong_with_a_request_is_said(site: Site) -> None:
    anna = await site.person()
    wrong: tuple[tuple[Any, ...], ...] = (
        (AzureUser(anna.raw_id), "not a url"),
        (AzureUser(anna.raw_id), "ftp://127.0.0.1/events"),
        (AzureUser(anna.raw_id), "http://127.0.0.1/" + "x" * 3000),
        ([], site.callbacks.url),
    )
    for target, url in wrong:
        with pytest.raises(HttpResponseError) as caught:
            await site.program.ask("create_call", target, url)
        assert (caught.value.status_code, caught.value.error.code) == (400, "8523")
    assert not site.switch.service.calls.live


async def test_a_telephone_is_called_with_a_number_to_show(site: Site) -> None:
    phone = PhoneNumberIdentifier("+15550100")
    with pytest.raises(HttpResponseError) as caught:
        await site.program.ask("create_call", phone, site.callbacks.url)
    assert caught.value.status_code == 403
    created = await site.program.ask(
        "create_call",
        phone,
        site.callbacks.url,
        source_caller_id_number=PhoneNumberIdentifier("+15550199"),
    )
    assert created.source_caller_id_number.properties["value"] == "+15550199"
    await until(lambda: site.switch.telephones.placed)
    site.switch.telephones.placed[-1].leg.answered()
    await site.callbacks.event("CallConnected")
    present = await site.program.on(created.call_connection_id, "list_participants")
    assert "4:+15550100" in users(present)


async def test_a_version_that_is_not_known_is_refused(site: Site) -> None:
    async with program(site.switch.service, api_version="1999-01-01") as old:
        with pytest.raises(HttpResponseError) as caught:
            await old.ask("get_recording_properties", "f" * 32)
    assert caught.value.status_code == 400
