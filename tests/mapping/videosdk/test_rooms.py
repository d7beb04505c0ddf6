from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from mapping.videosdk import Errors, MeetingError, create_room
from tests.support.people import Meeting as Place
from tests.support.people import meeting
from tests.support.videosdk_people import attend


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with meeting() as made:
        yield made


@pytest.mark.feature("ROOM-002")
async def test_a_room_is_made_before_anybody_is_in_it(place: Place) -> None:
    (sid, key), *_ = place.server.settings.api_keys.items()
    room = await create_room(place.url, sid, key.secret)
    assert re.fullmatch(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", room)
    ann = await attend(place, "Ann", meetingId=room)
    assert ann.id == room
    tom = await place.guest("tom", name=room)
    assert [one.identity for one in tom.participants.values()] == ["Ann"]
    assert await create_room(place.url, sid, key.secret) != room


async def test_a_wrong_key_makes_no_room(place: Place) -> None:
    (sid, _), *_ = place.server.settings.api_keys.items()
    with pytest.raises(MeetingError) as raised:
        await create_room(place.url, sid, "wrong")
    assert raised.value.code == Errors.INVALID_TOKEN


async def test_a_service_that_is_not_there_makes_no_room() -> None:
    with pytest.raises(MeetingError, match="cannot be reached") as raised:
        await create_room("http://127.0.0.1:9", "SK1", "secret")
    assert raised.value.code == Errors.SOMETHING_WENT_WRONG


async def test_another_answer_is_told() -> None:
    runner = web.AppRunner(web.Application())  # Knows no such path.
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        with pytest.raises(MeetingError, match="answered 404") as raised:
            await create_room(f"http://{host}:{port}", "SK1", "secret")
    finally:
        await runner.cleanup()
    assert raised.value.code == Errors.SOMETHING_WENT_WRONG
