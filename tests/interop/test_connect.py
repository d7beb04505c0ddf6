"""Joining and leaving with the unmodified client."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.interop.page import Page
from tests.interop.stage import Stage
from tests.interop.values import PageError, data, microphone, video
from tests.support.media_checks import BLUE, RED


async def test_connect_resolves_with_a_room(stage: Stage) -> None:
    page = await stage.page("alice")
    joined = await page.connect("r1", media=(microphone(440), video(RED), data()))
    assert re.fullmatch("RM[0-9a-f]{32}", joined["sid"])
    assert re.fullmatch("PA[0-9a-f]{32}", joined["participant"])
    assert joined["name"] == "r1"
    assert joined["state"] == "connected"
    assert joined["identity"] == "alice"
    assert joined["region"] == "us1"
    local = await page.run(
        """room => [...room.localParticipant.tracks.values()].map(
            one => [one.kind, one.trackName, one.trackSid, one.isTrackEnabled, one.priority])"""
    )
    assert [item[:2] for item in local] == [
        ["audio", "microphone"],
        ["video", "camera"],
        ["data", "chat"],
    ]
    assert all(re.fullmatch("MT[0-9a-f]{32}", item[2]) for item in local)
    assert len({item[2] for item in local}) == 3
    assert all(item[3:] == [True, "standard"] for item in local)


async def test_devices_are_captured_and_published_unless_told_otherwise(stage: Stage) -> None:
    alice = await stage.joined("alice", media=None)
    kinds = await alice.run(
        "room => [...room.localParticipant.tracks.values()].map(one => one.kind).sort()"
    )
    assert kinds == ["audio", "video"]
    bob = await stage.joined("bob")
    await bob.until("(_, harness) => harness.framesShown('alice', null) > 5")


@pytest.mark.feature("CALL-002")
async def test_a_room_without_a_name_is_called_by_its_sid(stage: Stage) -> None:
    page = await stage.page("alice")
    joined = await page.connect(None)
    assert joined["name"] == joined["sid"]


async def test_the_token_names_the_room_where_connect_does_not(stage: Stage) -> None:
    token = stage.server.access_token("alice", room="granted")
    page = await stage.page("alice", token=token)
    assert (await page.connect(None))["name"] == "granted"


async def test_a_room_can_be_joined_by_its_sid(stage: Stage) -> None:
    alice = await stage.joined("alice", "r1")
    bob = await stage.page("bob")
    joined = await bob.connect(alice.room_sid)
    assert (joined["sid"], joined["name"]) == (alice.room_sid, "r1")
    await alice.event("participantConnected", "participant:bob")


@pytest.mark.parametrize("ice_servers", [None, []])
async def test_both_openings_of_the_signaling_lead_into_the_room(
    stage: Stage, ice_servers: list[str] | None
) -> None:
    """With ICE servers of the application, the first message of the socket is `connect` itself."""
    page = await stage.page("alice")
    options: dict[str, Any] = {} if ice_servers is None else {"iceServers": ice_servers}
    await page.connect("r1", **options)
    hello = next(frame for frame in page.trace.frames if frame.direction == "<")
    assert hello.message["type"] == "hello"
    assert hello.body["type"] == ("ice" if ice_servers is None else "connect")


async def test_who_comes_later_finds_who_is_there(stage: Stage) -> None:
    alice = await stage.joined("alice", media=(microphone(440), video(RED)))
    bob = await stage.page("bob")
    await bob.connect(media=(microphone(660), video(BLUE)))
    assert await bob.run(
        "room => [...room.participants.values()].map(one => [one.sid, one.identity, one.state])"
    ) == [[alice.sid, "alice", "connected"]]

    await alice.event("participantConnected", "participant:bob")
    for kind in ("audio:microphone", "video:camera"):
        for page, other in ((alice, "bob"), (bob, "alice")):
            heard = await page.event("trackSubscribed", f"track:{kind}", f"participant:{other}")
            assert heard.args == (
                f"track:{kind}",
                f"publication:{kind}",
                f"participant:{other}",
            )
    await _see_and_hear_each_other(alice, bob)


async def _see_and_hear_each_other(alice: Page, bob: Page) -> None:
    await bob.sees("alice", RED)
    await alice.sees("bob", BLUE)
    await bob.hears("alice", 440)
    await alice.hears("bob", 660)
    await alice.event("trackStarted", "track:video:camera", "participant:bob")


async def test_leaving_is_told_in_order(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.joined("bob", media=(video(BLUE),))
    await alice.event("trackSubscribed")
    since = await alice.mark()
    await bob.disconnect()
    left = await bob.event("disconnected")
    assert left.args[1:] in ((), (None,))
    assert await bob.run("room => room.state") == "disconnected"

    await alice.event("participantDisconnected", "participant:bob")
    told = [name for name, *_ in await alice.story(since=since)]
    assert told.index("trackUnsubscribed") < told.index("participantDisconnected")
    assert await alice.run("room => room.participants.size") == 0
    states = await alice.story("participant:bob", since=since)
    assert ("disconnected", "participant:bob") in states


@pytest.mark.feature("CALL-002")
async def test_a_room_that_everybody_left_is_another_one_next_time(stage: Stage) -> None:
    page = await stage.joined("alice", "r1")
    first = page.room_sid
    other = await stage.joined("bob", "r1")
    assert other.room_sid == first
    await page.disconnect()
    await other.disconnect()
    again = await stage.page("carol")
    joined = await again.connect("r1")
    assert re.fullmatch("RM[0-9a-f]{32}", joined["sid"])
    assert await again.run("room => room.participants.size") == 0


async def test_a_second_connect_of_an_identity_replaces_the_first(stage: Stage) -> None:
    carol = await stage.joined("carol")
    first = await stage.joined("alice")
    second = await stage.joined("alice")
    ended = await first.event("disconnected")
    assert ended.code == 53205
    assert second.sid != first.sid
    assert await second.run("room => room.state") == "connected"
    await carol.until(
        "(room, _, sid) => room.participants.size === 1 && room.participants.has(sid)", second.sid
    )
    names = [name for name, *_ in await carol.story()]
    assert names.count("participantConnected") == 2
    assert names.count("participantDisconnected") == 1


async def test_canceling_connect_leaves_nobody_behind(stage: Stage) -> None:
    alice = await stage.joined("alice")
    bob = await stage.page("bob")
    with pytest.raises(PageError) as caught:
        await bob.run(
            """(_, harness, {token, options}) => {
                const connecting = Twilio.Video.connect(token, options);
                connecting.cancel();
                return connecting;
            }""",
            {
                "token": stage.server.access_token("bob"),
                "options": {**bob.options, "name": "meeting", "tracks": []},
            },
        )
    assert "cancel" in caught.value.message.lower()
    await stage.joined("carol")
    await alice.event("participantConnected", "participant:carol")
    assert await alice.run("room => room.participants.size") == 1


@pytest.mark.parametrize(("name", "code"), [("x" * 129, 53101)])
async def test_impossible_room_names_are_refused(stage: Stage, name: str, code: int) -> None:
    page = await stage.page("alice")
    with pytest.raises(PageError) as caught:
        await page.connect(name)
    assert caught.value.code == code
