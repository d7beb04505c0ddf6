"""Who is in a call: identities, SIDs, tokens, names, and that media is encrypted."""

from __future__ import annotations

import re

import pytest

from acs_core import (
    AuthenticationError,
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CommunicationUserIdentifier,
    Features,
    InvalidStateError,
    RemoteParticipantState,
    RemotePublication,
    StreamsFeature,
    wire,
)
from acs_core.identifiers import raw_id
from tests.support.events import next_event, until
from tests.support.media_checks import RED
from tests.support.people import meeting, seen_by
from tests.support.service_client import raw_client
from twilio_compat import LocalParticipant, RemoteParticipant, TwilioError, connect

SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


@pytest.mark.feature("CONCEPT-002")
async def test_everybody_is_local_or_remote_in_both_styles() -> None:
    async with meeting() as place:
        room = await place.guest("tina")
        anna = await place.user("Anna")
        call = await anna.join()
        await until(lambda: room.participants)
        everybody = [room.local_participant, *room.participants.values()]
        assert [isinstance(item, LocalParticipant) for item in everybody] == [True, False]
        assert [isinstance(item, RemoteParticipant) for item in everybody] == [False, True]
        # An ACS application has a call for itself, and objects for the others only.
        (other,) = await seen_by(call)
        assert other.display_name == "tina"
        assert call.caller_info.identifier == CommunicationUserIdentifier(anna.raw_id)
        assert raw_id(other.identifier) != anna.raw_id


@pytest.mark.feature("IDENT-001", "IDENT-002", "PARTICIPANT-015", "PARTICIPANT-016", "OBJECT-007")
async def test_each_side_lists_exactly_the_other_by_the_id_of_its_token() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        first, second = await anna.join(), await ben.join()
        for call, other, name in ((first, ben, "Ben"), (second, anna, "Anna")):
            (participant,) = await seen_by(call)
            assert raw_id(participant.identifier) == other.raw_id
            assert isinstance(participant.identifier, CommunicationUserIdentifier)
            assert participant.identifier.communication_user_id == other.raw_id
            assert participant.display_name == name
            assert participant.state is RemoteParticipantState.CONNECTED
            assert (participant.is_muted, participant.is_speaking) == (True, False)
            assert participant.video_streams == ()
        assert (await first.info.get_server_call_id()) == (await second.info.get_server_call_id())


@pytest.mark.feature("CALLTYPE-004")
async def test_three_agents_in_one_group_each_see_two_others() -> None:
    async with meeting() as place:
        users = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        group = {"groupId": "29228d3e-040e-4656-a70e-890ab4e173e5"}
        calls = [await user.join(group) for user in users]
        for user, call in zip(users, calls, strict=True):
            others = {raw_id(item.identifier) for item in await seen_by(call, 2)}
            assert others == {item.raw_id for item in users} - {user.raw_id}


@pytest.mark.feature("PARTICIPANT-002", "PARTICIPANT-009", "PARTICIPANT-017", "VIDEO-002")
async def test_twilio_participants_have_sids_and_the_identities_of_their_tokens() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED)
        tom = await place.guest("tom")
        assert tina.local_participant.identity == "tina"
        assert SID.fullmatch(tina.local_participant.sid)
        assert tina.local_participant.sid.startswith("PA")
        (there,) = tom.participants.values()
        assert (there.identity, there.sid) == ("tina", tina.local_participant.sid)
        assert (there.state, tom.state) == ("connected", "connected")
        (publication,) = tina.local_participant.tracks.values()
        assert publication.track_sid.startswith("MT")
        assert SID.fullmatch(publication.track_sid)
        assert set(there.tracks) == {publication.track_sid}


@pytest.mark.feature("TOKEN-007")
async def test_the_second_connect_of_an_identity_ends_the_first_with_53205() -> None:
    async with meeting() as place:
        first = await place.guest("tina")
        watcher = await place.guest("tom")
        over = next_event(first, "disconnected")
        second = await place.guest("tina")
        room, error = await over
        assert room is first
        assert isinstance(error, TwilioError)
        assert error.code == 53205
        assert (first.state, second.state) == ("disconnected", "connected")
        sid = second.local_participant.sid
        await until(lambda: list(watcher.participants) == [sid])


@pytest.mark.feature("IDENT-001")
async def test_one_acs_user_may_be_in_a_call_with_two_endpoints() -> None:
    async with meeting() as place:
        watcher = await place.user("Watcher")
        call = await watcher.join()
        raw, token = place.server.issue_user_token()
        options = CallClientOptions(service_url=place.url)
        async with CallClient(options) as one, CallClient(options) as two:
            for client in (one, two):
                credential = AzureCommunicationTokenCredential(token.token)
                agent = await client.create_call_agent(credential)
                await agent.join({"roomId": "meeting"}).connected()
            (participant,) = await seen_by(call)
            await until(lambda: len(participant.endpoint_details) == 2)
            assert raw_id(participant.identifier) == raw
            await one.dispose()
            await until(lambda: len(participant.endpoint_details) == 1)
            assert call.remote_participants == (participant,)
            assert participant.state is RemoteParticipantState.CONNECTED


@pytest.mark.feature("TOKEN-005", "AUTH-001", "OBJECT-002")
async def test_the_scope_of_a_token_decides_whether_an_agent_is_made() -> None:
    async with meeting() as place:
        options = CallClientOptions(service_url=place.url)
        async with CallClient(options) as client:
            _, chat = place.server.issue_user_token(scopes=("chat",))
            with pytest.raises(AuthenticationError) as caught:
                await client.create_call_agent(AzureCommunicationTokenCredential(chat.token))
            assert (caught.value.code, caught.value.sub_code) == (401, 44113)
        for scope in ("voip", "voip.join"):
            _, token = place.server.issue_user_token(scopes=(scope,))
            credential = AzureCommunicationTokenCredential(token.token)
            async with CallClient(options) as client:
                agent = await client.create_call_agent(credential)
                assert agent.connection_state == "Connected"
            given = await credential.get_token()
            assert given.token == token.token
            credential.dispose()
            with pytest.raises(InvalidStateError):
                await credential.get_token()


@pytest.mark.feature("CALL-018")
async def test_a_refused_connect_rejects_with_code_and_message() -> None:
    async with meeting() as place:
        with pytest.raises(TwilioError) as caught:
            await connect(
                "no token", name="meeting", audio=False, video=False, service_url=place.url
            )
        assert caught.value.code == 20101
        assert caught.value.message
        with pytest.raises(TwilioError) as caught:
            await place.guest("tina", name="n" * 129)
        assert caught.value.code == 53101


@pytest.mark.feature("SECURITY-001", "MATRIX-026")
async def test_media_is_offered_with_dtls_only_and_every_connection_completes_it() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        await place.guest("ben", color=RED, tone=440.0)
        call = await anna.join()
        streams = call.feature(Features.STREAMS)
        await until(lambda: sum(item.is_subscribed for item in _received(streams)) == 2)
        transports = place.server.engine.transports
        await until(lambda: len(transports) == 2)
        assert all(transport.is_connected for transport in transports.values())
        async with raw_client(place.server) as client:
            await client.hello()
            await client.join(wire.RoomLocator(room="meeting"))
            offer = await client.news(wire.Offer, lambda body: "m=video" in body.sdp)
        media = [line for line in offer.sdp.splitlines() if line.startswith("m=")]
        assert media
        assert all(" UDP/TLS/RTP/SAVPF " in line for line in media)
        assert "a=fingerprint:sha-256 " in offer.sdp
        assert "a=crypto" not in offer.sdp


def _received(streams: StreamsFeature) -> list[RemotePublication]:
    return [item for endpoint in streams.endpoints for item in endpoint.publications]
