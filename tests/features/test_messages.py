"""Messages: ACS's data channels and Twilio's data tracks, and both together."""

from __future__ import annotations

import pytest

from acs_core import (
    CommunicationUserIdentifier,
    DataChannelSenderOpenOptions,
    Features,
    InvalidArgumentError,
    InvalidStateError,
)
from acs_core.identifiers import raw_id
from tests.support.events import next_event, until
from tests.support.people import meeting
from twilio_compat import LocalDataTrack, RemoteDataTrack


@pytest.mark.feature("MATRIX-037")
@pytest.mark.parametrize("reliability", ["Durable", "Lossy"])
async def test_bytes_arrive_in_order_on_a_channel_until_it_is_closed(reliability: str) -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        sending, receiving = await anna.join(), await ben.join()
        created = next_event(receiving.feature(Features.DATA_CHANNEL), "dataChannelReceiverCreated")
        channels = sending.feature(Features.DATA_CHANNEL)
        sender = channels.create_data_channel_sender(
            DataChannelSenderOpenOptions(channel_id=7, reliability=reliability)
        )
        (receiver,) = await created
        assert (receiver.channel_id, sender.channel_id) == (7, 7)
        assert raw_id(receiver.sender_participant_identifier) == anna.raw_id
        messages: list[tuple[int, bytes]] = []

        def ready() -> None:
            message = receiver.read_message()
            assert message is not None
            messages.append((message.sequence_number, message.data))

        receiver.on("messageReady", ready)
        for number in range(3):
            await sender.send_message(bytes([number]) * 3)
        await until(lambda: len(messages) == 3)
        assert messages == [(n + 1, bytes([n]) * 3) for n in range(3)]
        assert receiver.read_message() is None
        for data, code in ((b"", 45308), (bytes(sender.max_message_size + 1), 45309)):
            with pytest.raises(InvalidArgumentError) as caught:
                await sender.send_message(data)
            assert caught.value.sub_code == code
        with pytest.raises(InvalidArgumentError) as taken:
            channels.create_data_channel_sender(DataChannelSenderOpenOptions(channel_id=7))
        assert taken.value.sub_code == 45303
        closed = next_event(receiver, "close")
        sender.close()
        await closed
        with pytest.raises(InvalidStateError) as over:
            await sender.send_message(b"late")
        assert over.value.sub_code == 45312


@pytest.mark.feature("TRACK-001")
async def test_text_and_bytes_arrive_at_track_participant_and_room() -> None:
    async with meeting() as place:
        tina, tom = await place.guest("tina"), await place.guest("tom")
        track = LocalDataTrack(name="chat")
        arrived = next_event(tom, "trackSubscribed")
        await tina.local_participant.publish_track(track)
        remote, _, who = await arrived
        assert isinstance(remote, RemoteDataTrack)
        assert (track.kind, remote.kind) == ("data", "data")
        heard: list[tuple[object, ...]] = []
        remote.on("message", lambda *args: heard.append(("track", *args)))
        who.on("trackMessage", lambda *args: heard.append(("participant", *args)))
        tom.on("trackMessage", lambda *args: heard.append(("room", *args)))
        for data in ("text", b"bytes"):
            heard.clear()
            track.send(data)
            await until(lambda: len(heard) == 3)
            assert heard == [
                ("track", data, remote),
                ("participant", data, remote),
                ("room", data, remote, who),
            ]


@pytest.mark.feature("MATRIX-037")
async def test_messages_reach_those_who_were_chosen_and_nobody_else() -> None:
    async with meeting() as place:
        anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
        sending, chosen, other = [await person.join() for person in (anna, ben, cleo)]
        receivers = [call.feature(Features.DATA_CHANNEL) for call in (chosen, other)]
        sender = sending.feature(Features.DATA_CHANNEL).create_data_channel_sender(
            DataChannelSenderOpenOptions(
                channel_id=7, participants=(CommunicationUserIdentifier(ben.raw_id),)
            )
        )
        (receiver,) = await next_event(receivers[0], "dataChannelReceiverCreated")
        ready = next_event(receiver, "messageReady")
        await sender.send_message(b"for Ben")
        await ready
        assert receiver.read_message().data == b"for Ben"
        assert receivers[1].receivers == ()
        gone, came = (
            next_event(receiver, "close"),
            next_event(receivers[1], "dataChannelReceiverCreated"),
        )
        sender.set_participants([CommunicationUserIdentifier(cleo.raw_id)])
        (second,) = await came
        await gone
        ready = next_event(second, "messageReady")
        await sender.send_message(b"for Cleo")
        await ready
        assert second.read_message().data == b"for Cleo"
        assert receivers[0].receivers == ()


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, (True, None, None, True)),
        ({"ordered": False, "maxRetransmits": 3}, (False, 3, None, False)),
        ({"maxPacketLifeTime": 500}, (True, None, 500, False)),
    ],
)
async def test_a_remote_data_track_says_what_its_channel_does(
    options: dict[str, object], limits: tuple[object, ...]
) -> None:
    async with meeting() as place:
        reader = await place.guest("reader")
        subscribed = next_event(reader, "trackSubscribed")
        track = LocalDataTrack(options)
        await place.guest("writer", tracks=[track])
        remote = (await subscribed)[0]
        for one in (track, remote):
            assert limits == (
                one.ordered,
                one.maxRetransmits,
                one.maxPacketLifeTime,
                one.reliable,
            )
        messages = [next_event(remote, "message", lambda data, _: data == "text")]
        messages.append(next_event(remote, "message", lambda data, _: data == b"\x00\x01"))
        track.send("text")
        track.send(memoryview(b"\x00\x01"))
        for message in messages:
            await message
