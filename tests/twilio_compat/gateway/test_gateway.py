"""The wire gateway over real sockets, without media: who may enter, and what everybody is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from acs_core.core.facts import ConnectionState
from acs_core.core.rules import INCLUDE_ALL
from acs_core.rtc.sdp import parse
from acs_core.service.rooms import RoomOptions
from tests.support.events import until
from tests.support.wire_client import PaperPeer, WireClient, wire_client
from twilio_compat.server import CompatServer, embedded


@pytest.fixture
async def server() -> AsyncIterator[CompatServer]:
    async with embedded() as running:
        yield running


@pytest.fixture
async def enter(server: CompatServer) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def client(identity: str) -> WireClient:
            token = server.access_token(identity)
            return await stack.enter_async_context(wire_client(server.url, token))

        yield client


async def test_a_client_that_asks_for_ice_servers_first_then_enters(enter: Any) -> None:
    client = await enter("alice")
    await client.hello({"type": "ice", "version": 1, "edge": "roaming", "token": client.token})
    assert (await client.frame())["type"] == "welcome"
    assert await client.body("iced") == {"type": "iced", "version": 1, "ice_servers": []}


async def test_connected_says_everything_that_the_client_must_know(enter: Any) -> None:
    client = await enter("alice")
    camera = client.publish("video", name="camera")
    connected = await client.connect("daily")

    assert connected["version"] == 2
    assert connected["name"] == "daily"
    assert connected["sid"].startswith("RM")
    assert len(connected["sid"]) == 34
    assert connected["participant"]["identity"] == "alice"
    assert connected["options"]["session_timeout"] == 30
    assert connected["options"]["media_region"] == "us1"
    assert connected["participants"] == []
    (answer,) = connected["peer_connections"]
    assert answer["id"] == client.peer.id
    assert (answer["description"]["type"], answer["description"]["revision"]) == ("answer", 1)
    (track,) = connected["published"]["tracks"]
    assert (track["id"], track["state"]) == (camera, "ready")
    assert track["sid"].startswith("MT")
    assert connected["published"]["revision"] == 1
    assert connected["subscribed"] == {"revision": 0, "tracks": []}
    assert connected["recording"] == {"revision": 1, "is_recording": False}


async def test_an_unnamed_room_is_named_by_its_sid(enter: Any) -> None:
    client = await enter("alice")
    connected = await client.connect(None)
    assert connected["name"] == connected["sid"]


async def test_a_room_is_found_by_name_and_by_sid(enter: Any) -> None:
    alice, bob, carol = [await enter(name) for name in ("alice", "bob", "carol")]
    first = await alice.connect("daily")
    assert (await bob.connect("daily"))["sid"] == first["sid"]
    assert (await carol.connect(first["sid"]))["sid"] == first["sid"]
    assert {item["identity"] for item in carol.participants.values()} == {"alice", "bob"}


async def test_a_publication_is_announced_subscribed_and_offered(enter: Any) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    bob.publish("audio", name="mic")
    await bob.connect()

    await alice.until(lambda: alice.state["subscribed"]["tracks"] and alice.peer.revision == 2)
    (entry,) = alice.participants.values()
    assert (entry["identity"], entry["state"]) == ("bob", "connected")
    (track,) = entry["tracks"]
    assert (track["name"], track["kind"], track["enabled"]) == ("mic", "audio", True)
    (subscribed,) = alice.state["subscribed"]["tracks"]
    assert subscribed["sid"] == track["sid"]
    offered = [section for section in alice.peer.sections if section.mid.startswith("s")]
    assert [section.kind for section in offered] == ["audio"]


async def test_mute_priority_and_unpublish_reach_the_others(enter: Any) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    mic = bob.publish("audio", name="mic")
    await bob.connect()

    def track() -> dict[str, Any]:
        (entry,) = alice.participants.values()
        return entry["tracks"][0] if entry["tracks"] else {}

    await alice.until(lambda: alice.participants)
    bob.tracks[0] |= {"enabled": False, "priority": "high"}
    await bob.update(participant=bob.participant())
    await alice.until(lambda: track()["enabled"] is False)
    assert track()["priority"] == "high"

    bob.tracks.clear()
    bob.peer.stop(mic)
    await bob.update(participant=bob.participant(), peer_connections=[bob.peer.offer()])
    await alice.until(lambda: not track() and not alice.state["subscribed"]["tracks"])


@pytest.mark.parametrize(
    ("state", "code"),
    [({"name": "x" * 129}, 53302), ({"name": "cam"}, 53304), ({"kind": "smell"}, 53300)],
)
async def test_a_bad_track_fails_alone(enter: Any, state: dict[str, Any], code: int) -> None:
    client = await enter("alice")
    client.publish("video", name="cam")
    bad = client.publish("data", name="other")
    client.tracks[-1] |= state
    connected = await client.connect()
    good, failed = connected["published"]["tracks"]
    assert good["state"] == "ready"
    assert (failed["id"], failed["state"], failed["error"]["code"]) == (bad, "failed", code)

    client.tracks.pop()
    await client.update(participant=client.participant())
    await client.until(lambda: client.state["published"]["revision"] == 2)
    assert [item["state"] for item in client.state["published"]["tracks"]] == ["ready"]


async def test_a_second_connect_of_an_identity_ends_the_first_with_53205(enter: Any) -> None:
    first, second = await enter("alice"), await enter("alice")
    await first.connect()
    await second.connect()
    assert (await first.body("error"))["code"] == 53205


async def test_leaving_tells_the_others_at_once(enter: Any) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    await bob.connect()
    await alice.until(lambda: alice.participants)
    await bob.say({"type": "disconnect", "version": 2, "session": bob.state["session"]})
    (gone,) = alice.participants
    await alice.until(lambda: alice.participants[gone]["state"] == "disconnected")
    assert list(alice.participants) == [gone]
    await bob.raw({"type": "bye"})


async def test_a_bad_token_is_an_error_with_its_code_and_not_a_session(
    server: CompatServer,
) -> None:
    async with wire_client(server.url, "nonsense") as client:
        assert (await client.connect())["code"] == 20101
    assert not server.calls.live


async def test_a_room_name_that_is_too_long_is_refused_with_53101(enter: Any) -> None:
    client = await enter("alice")
    assert (await client.connect("x" * 129))["code"] == 53101


async def test_a_description_that_cannot_be_applied_is_53403(enter: Any) -> None:
    client = await enter("alice")
    client.peer.receive("audio")
    entry = client.peer.offer()
    entry["description"]["sdp"] = "v=0\r\n"
    assert (await client.connect(peer_connections=[entry]))["code"] == 53403


async def test_a_message_of_the_wrong_shape_is_53004(enter: Any) -> None:
    client = await enter("alice")
    assert (await client.connect(participant={"tracks": 7}))["code"] == 53004


@pytest.mark.parametrize(("label", "is_ours"), [("us1", True), ("atlantis", False)])
async def test_an_unknown_region_is_no_host_of_ours(
    server: CompatServer, label: str, is_ours: bool
) -> None:
    headers = {"Host": f"{label}.vss.twilio.com", "Connection": "close"}
    url = f"{server.url}/signaling"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        # Without an upgrade it is a bad request where there is something to upgrade.
        assert response.status == (400 if is_ours else 404)


# ---------------------------------------------------------------- lost sockets


async def sync(client: WireClient, lost: WireClient, **fields: Any) -> dict[str, Any]:
    """Go on with a session of another socket."""
    client.peer, client.tracks, client.revision = lost.peer, lost.tracks, lost.revision
    body = {
        "type": "sync",
        "version": 2,
        "name": "room",
        "session": lost.state["session"],
        "token": client.token,
        "participant": {"revision": client.revision, "tracks": client.tracks},
        "peer_connections": [],
        **fields,
    }
    await client.hello(body)
    return await client.body("synced", "error")


async def test_a_lost_socket_is_seen_by_the_others_and_synced(enter: Any) -> None:
    alice, bob, again = await enter("alice"), await enter("bob"), await enter("bob")
    await alice.connect()
    bob.publish("audio", name="mic")
    await bob.connect()
    await alice.until(lambda: alice.participants and alice.state["subscribed"]["tracks"])
    await bob.socket.close(code=3001)

    def state() -> str:
        return str(next(iter(alice.participants.values()))["state"])

    await alice.until(lambda: state() == "reconnecting")
    synced = await sync(again, bob)
    await alice.until(lambda: state() == "connected")
    assert synced["participant"] == bob.state["participant"]
    assert [item["identity"] for item in synced["participants"]] == ["alice"]
    assert synced["published"]["tracks"] == bob.state["published"]["tracks"]
    assert synced["peer_connections"][0]["id"] == bob.peer.id


async def test_what_was_missed_is_in_synced(enter: Any) -> None:
    alice, bob, again = await enter("alice"), await enter("bob"), await enter("alice")
    await alice.connect()
    await bob.connect()
    await alice.until(lambda: alice.participants)
    await alice.socket.close(code=3001)
    bob.publish("audio", name="mic")
    await bob.update(participant=bob.participant(), peer_connections=[bob.peer.offer()])
    await bob.until(lambda: bob.state["published"]["revision"] == 2)

    synced = await sync(again, alice)
    (entry,) = synced["participants"]
    assert [track["name"] for track in entry["tracks"]] == ["mic"]
    assert entry["revision"] > next(iter(alice.participants.values()))["revision"]
    await again.until(lambda: again.state["subscribed"]["tracks"])


async def test_an_offer_whose_answer_was_lost_is_answered_in_synced(enter: Any) -> None:
    alice, again = await enter("alice"), await enter("alice")
    await alice.connect()
    alice.publish("audio")
    offer = alice.peer.offer()
    await alice.update(participant=alice.participant(), peer_connections=[offer])
    await alice.until(lambda: alice.state["published"]["revision"] == 2)
    await alice.socket.close(code=3001)
    synced = await sync(again, alice, peer_connections=[offer])
    (entry,) = synced["peer_connections"]
    assert entry["description"]["type"] == "answer"
    assert entry["description"]["revision"] == offer["description"]["revision"]


async def test_a_foreign_or_unknown_session_cannot_be_synced(enter: Any) -> None:
    alice, eve, other = await enter("alice"), await enter("eve"), await enter("alice")
    await alice.connect()
    assert (await sync(eve, alice))["code"] == 53001
    alice.state["session"] = "unknown"
    assert (await sync(other, alice))["code"] == 53001


async def test_a_session_ends_with_its_window() -> None:
    options = {"times": {"twilio_window": 0.2}}
    async with embedded(options=options) as server, AsyncExitStack() as stack:
        alice, bob = [
            await stack.enter_async_context(wire_client(server.url, server.access_token(name)))
            for name in ("alice", "bob")
        ]
        await alice.connect()
        await bob.connect()
        await alice.until(lambda: alice.participants)
        (gone,) = alice.participants
        await bob.socket.close(code=1001)
        await alice.until(lambda: alice.participants[gone]["state"] == "disconnected")
        assert server.sessions == 1


# ---------------------------------------------------------------- crossing offers


async def test_an_offer_that_crosses_ours_is_dropped_and_its_repeat_answered(enter: Any) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    await bob.connect()
    await alice.until(lambda: alice.participants)
    bob.publish("audio", name="mic")
    await bob.update(participant=bob.participant(), peer_connections=[bob.peer.offer()])

    # Alice reads our offer only after she has said hers, with the same revision.
    alice.publish("video", name="cam")
    crossing = alice.peer.offer()
    while True:
        frame = await alice.frame()
        entries = frame.get("body", {}).get("peer_connections", [])
        if entries:
            break
    assert entries[0]["description"]["revision"] == crossing["description"]["revision"]
    await alice.update(participant=alice.participant(), peer_connections=[crossing])
    # Polite: roll back, answer, offer again, in one turn.
    await alice.update(peer_connections=[alice.peer.answer(entries[0])])
    repeat = alice.peer.offer()
    await alice.update(peer_connections=[repeat])
    answer = (await alice.body_with("peer_connections"))["peer_connections"][0]["description"]
    assert (answer["type"], answer["revision"]) == ("answer", repeat["description"]["revision"])


# ---------------------------------------------------------------- replaced connections


async def test_a_replaced_connection_is_offered_anew_and_everything_forwarded_again(
    server: CompatServer, enter: Any
) -> None:
    alice, bob = await enter("alice"), await enter("bob")
    await alice.connect()
    bob.publish("audio", name="mic")
    await bob.connect()
    await alice.until(lambda: alice.state["subscribed"]["tracks"] and alice.peer.revision == 2)
    before = alice.state["subscribed"]["tracks"][0]["id"]

    (call,) = server.calls.live.values()
    endpoint = next(iter(call.endpoints.values()))
    (transport,) = endpoint.observer.transports
    await transport.close()
    # As a browser does that hears nothing any more.
    alice.peer.restart_ice()
    await alice.update(peer_connections=[alice.peer.offer()])
    closed, wanted = (await alice.body_with("peer_connections"))["peer_connections"]
    assert closed == {"id": alice.peer.id, "description": {"type": "close", "revision": 4}}
    assert wanted["description"] == {"type": "create-offer", "revision": 1}
    assert alice.state["subscribed"]["tracks"] == []

    alice.peer = PaperPeer()
    alice.peer.id, alice.peer.revision = wanted["id"], 1
    alice.peer.receive("audio")
    await alice.update(peer_connections=[alice.peer.offer()])
    await alice.until(lambda: alice.state["subscribed"]["tracks"] and alice.peer.revision == 3)
    assert alice.state["subscribed"]["tracks"][0]["id"] != before


async def test_a_full_gateway_asks_to_wait() -> None:
    async with (
        embedded(options={"signaling_sockets": 1}) as server,
        wire_client(server.url, server.access_token("alice")) as alice,
    ):
        await alice.connect()
        async with wire_client(server.url, server.access_token("bob")) as bob:
            await bob.hello()
            assert await bob.frame() == {"type": "busy", "retryAfter": 2000, "keepAlive": False}
        await alice.update(participant=alice.participant())
        await alice.until(lambda: alice.state["published"]["revision"] == 2)


async def test_a_room_that_is_recorded_says_so_from_the_first_track_on(
    server: CompatServer, enter: Any
) -> None:
    server.calls.create(unique_name="recorded", options=RoomOptions(recording_rules=INCLUDE_ALL))
    alice, bob = await enter("alice"), await enter("bob")
    assert (await alice.connect("recorded"))["recording"] == {"revision": 1, "is_recording": False}
    bob.publish("audio", name="mic")
    assert (await bob.connect("recorded"))["recording"]["is_recording"] is True
    await alice.until(lambda: alice.state["recording"] == {"revision": 2, "is_recording": True})


# ---------------------------------------------------------------- what a review found


async def test_an_offer_first_seen_in_a_sync_is_answered_in_synced(enter: Any) -> None:
    alice, again = await enter("alice"), await enter("alice")
    await alice.connect()
    await alice.socket.close(code=3001)
    alice.publish("audio")
    alice.revision += 1
    offer = alice.peer.offer()
    (entry,) = (await sync(again, alice, peer_connections=[offer]))["peer_connections"]
    assert entry["description"]["type"] == "answer"
    assert entry["description"]["revision"] == offer["description"]["revision"]
    # And said again as often as it is asked for.
    await again.update(peer_connections=[offer])
    (entry,) = (await again.body_with("peer_connections"))["peer_connections"]
    assert entry["description"]["type"] == "answer"


async def test_an_offer_newer_than_ours_shows_that_ours_was_applied(enter: Any) -> None:
    alice, bob, again = await enter("alice"), await enter("bob"), await enter("alice")
    await alice.connect()
    bob.publish("audio", name="mic")
    await bob.connect()
    offered = await alice.body_with("subscribed")
    while "peer_connections" not in offered:
        offered = await alice.body_with("peer_connections")
    # The answer is lost with the socket; what is left of it is an offer that is newer still.
    alice.peer.answer(offered["peer_connections"][0])
    await alice.socket.close(code=3001)
    alice.publish("video", name="cam")
    alice.revision += 1
    offer = alice.peer.offer()
    synced = await sync(again, alice, peer_connections=[offer])
    (entry,) = synced["peer_connections"]
    assert entry["description"]["type"] == "answer"
    sections = parse(entry["description"]["sdp"]).sections
    (forwarded,) = [item for item in sections if item.mid.startswith("s")]
    assert forwarded.direction.is_sending
    assert forwarded.msid is not None
    assert forwarded.msid[1] == synced["subscribed"]["tracks"][0]["id"]


async def test_a_connection_replaced_while_the_client_is_away_is_asked_for_in_synced(
    server: CompatServer, enter: Any
) -> None:
    alice, again = await enter("alice"), await enter("alice")
    await alice.connect()
    (call,) = server.calls.live.values()
    (endpoint,) = call.endpoints.values()
    await alice.socket.close(code=3001)
    await until(lambda: endpoint.state is ConnectionState.RECONNECTING)
    (transport,) = endpoint.observer.transports
    await transport.close()
    restart = alice.peer.offer()
    (entry,) = (await sync(again, alice, peer_connections=[restart]))["peer_connections"]
    assert entry["id"] != alice.peer.id
    assert entry["description"] == {"type": "create-offer", "revision": 1}


async def test_a_sync_that_cannot_be_applied_ends_the_session(
    server: CompatServer, enter: Any
) -> None:
    alice, again = await enter("alice"), await enter("alice")
    await alice.connect()
    await alice.socket.close(code=3001)
    bad = {"id": alice.peer.id, "description": {"type": "offer", "revision": 9, "sdp": "v=0"}}
    assert (await sync(again, alice, peer_connections=[bad]))["code"] == 53403
    (call,) = server.calls.live.values()
    assert not call.endpoints
    assert server.sessions == 0


async def test_why_a_session_ended_is_told_to_a_client_that_was_away(
    server: CompatServer, enter: Any
) -> None:
    alice, again = await enter("alice"), await enter("alice")
    await alice.connect()
    await alice.socket.close(code=3001)
    (call,) = server.calls.live.values()
    await until(lambda: next(iter(call.endpoints.values())).state is ConnectionState.RECONNECTING)
    call.complete()
    again.peer, again.tracks, again.revision = alice.peer, alice.tracks, alice.revision
    await again.hello(
        {
            "type": "sync",
            "version": 2,
            "session": alice.state["session"],
            "token": again.token,
            "participant": {"revision": 1, "tracks": []},
        }
    )
    assert (await again.body("disconnected"))["status"] == "completed"


async def test_the_socket_of_a_session_that_was_ended_is_closed(server: CompatServer) -> None:
    settings = replace(server.gateway_settings, farewell=0.1)
    async with (
        embedded(gateway=settings) as other,
        wire_client(other.url, other.access_token("alice")) as alice,
    ):
        await alice.connect()
        (call,) = other.calls.live.values()
        call.complete()
        assert await alice.close_code() == 1000


async def test_a_socket_without_a_good_token_is_closed(server: CompatServer) -> None:
    settings = replace(server.gateway_settings, greeting=0.1)
    async with embedded(gateway=settings) as other, wire_client(other.url, "") as eve:
        await eve.hello()
        assert await eve.close_code() == 1008


async def test_fractions_and_repeated_ids_are_no_reason_to_refuse(enter: Any) -> None:
    alice = await enter("alice")
    alice.publish("data", name="chat")
    alice.tracks.append(dict(alice.tracks[0]))
    profile = {
        "max_subscription_bandwidth": 2500000.5,
        "render_dimensions": {"low": {"width": 853.33, "height": 480}},
    }
    connected = await alice.connect(bandwidth_profile={"video": profile})
    assert [item["state"] for item in connected["published"]["tracks"]] == ["ready"]


async def test_a_revision_is_a_number_of_31_bits(enter: Any) -> None:
    alice = await enter("alice")
    error = await alice.connect(participant={"revision": 2**31, "tracks": []})
    assert error["code"] == 53004
