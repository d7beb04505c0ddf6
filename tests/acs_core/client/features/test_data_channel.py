from __future__ import annotations

import asyncio

import pytest

from acs_core import (
    CommunicationUserIdentifier,
    DataChannelSenderOpenOptions,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    PhoneNumberIdentifier,
    ServiceError,
    wire,
)
from acs_core.core.facts import EndpointJoined, EndpointLeft, Priority, PublicationKind
from tests.support.calls import Log, endpoint, joined, publication, settle

NOTHING = JoinCallOptions(streams=())
USER = CommunicationUserIdentifier("8:acs:a_b")


async def test_messages_go_out_on_a_publication_named_after_the_channel() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        sender = feature.create_data_channel_sender(DataChannelSenderOpenOptions(channel_id=42))
        await sender.send_message(b"hello")
        assert session.stream("42").sent == [b"hello"]
        session.stream("42").is_open = False
        codes = []
        for wrong in (b"", bytes(sender.max_message_size + 1), b"x"):
            with pytest.raises((InvalidArgumentError, InvalidStateError)) as caught:
                await sender.send_message(wrong)
            codes.append(caught.value.sub_code)
        sender.close()
        sender.close()
        await settle()
        assert not session.streams
        with pytest.raises(InvalidStateError) as closed:
            await sender.send_message(b"x")
        assert [*codes, closed.value.sub_code] == [45308, 45309, 45301, 45312]


async def test_free_channel_ids_are_given_out() -> None:
    async with joined(NOTHING) as (call, _):
        feature = call.feature(Features.DATA_CHANNEL)
        lossy = feature.create_data_channel_sender(
            DataChannelSenderOpenOptions(reliability="Lossy")
        )
        assert (lossy.channel_id, lossy.max_message_size) == (1, 1180)
        assert feature.create_data_channel_sender().channel_id == 2
        codes = []
        for options in (
            DataChannelSenderOpenOptions(channel_id=1),
            DataChannelSenderOpenOptions(channel_id=0),
            DataChannelSenderOpenOptions(participants=("8:acs:a_b",)),  # type: ignore[arg-type]
            DataChannelSenderOpenOptions(participants=(USER,) * 65),
            DataChannelSenderOpenOptions(participants=(PhoneNumberIdentifier("+15550100"),)),
            DataChannelSenderOpenOptions(bitrate_in_kbps=0),
            DataChannelSenderOpenOptions(reliability="Maybe"),
            DataChannelSenderOpenOptions(priority="Maybe"),
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                feature.create_data_channel_sender(options)
            codes.append(caught.value.sub_code)
        assert codes == [45303, 45303, 45305, 45306, 45307, 45304, 45321, 45321]
        await settle()


async def test_a_channel_of_somebody_else_is_a_receiver() -> None:
    channel = publication(1, PublicationKind.DATA, name="7")
    chat = publication(2, PublicationKind.DATA, name="chat")
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        log = Log().watch(feature)
        session.say(EndpointJoined(endpoint=endpoint("a", channel, chat)))
        session.subscribe(channel.id)
        session.subscribe(chat.id)
        (receiver,) = feature.receivers
        told = Log().watch(receiver)
        session.observer.on_data(channel.id, "text")
        session.observer.on_data(channel.id, b"\x01")
        session.observer.on_data(chat.id, "not mine")
        assert receiver.channel_id == 7
        assert receiver.sender_participant_identifier == CommunicationUserIdentifier(
            "8:acs:resource_a"
        )
        messages = [receiver.read_message() for _ in range(3)]
        assert [item and (item.sequence_number, item.data) for item in messages] == [
            (1, b"text"),
            (2, b"\x01"),
            None,
        ]
        session.subscribed.discard(channel.id)
        session.say(EndpointLeft(endpoint="a" * 32))
        assert feature.receivers == ()
        assert log.entries == [("dataChannelReceiverCreated", (receiver,))]
        assert told.names == ["messageReady", "messageReady", "close"]


async def test_ids_of_closed_and_refused_channels_are_free_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        wanted = DataChannelSenderOpenOptions(channel_id=7)
        session.publish_error = ServiceError("Too many.")
        refused = feature.create_data_channel_sender(wanted)
        await settle()
        refused.close()
        with pytest.raises(InvalidStateError):
            await refused.send_message(b"x")
        session.publish_error = None
        sender = feature.create_data_channel_sender(wanted)
        await sender.send_message(b"x")
        sender.close()
        await settle()
        assert feature.create_data_channel_sender(wanted).channel_id == 7
        await settle()
        assert caplog.text == ""


async def test_a_channel_may_be_for_some_and_with_priority() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        sender = feature.create_data_channel_sender(
            DataChannelSenderOpenOptions(channel_id=7, priority="High", participants=(USER, USER))
        )
        await sender.send_message(b"x")
        stream = session.stream("7")
        assert (stream.audience, stream.priority) == (("8:acs:a_b",), Priority.HIGH)
        sender.set_participants([])
        sender.set_participants([USER])
        await sender.send_message(bytearray(b"y"))
        audiences = [body.audience for body in session.asked if isinstance(body, wire.SetAudience)]
        assert audiences == [(), ("8:acs:a_b",)]
        assert stream.sent == [b"x", b"y"]
        session.answers[wire.SetAudience] = ServiceError("no")
        sender.set_participants([])
        with pytest.raises(ServiceError):
            await sender.send_message(b"z")
        with pytest.raises(InvalidArgumentError) as caught:
            await sender.send_message("text")  # type: ignore[arg-type]
        assert caught.value.sub_code == 45320


async def test_a_bit_rate_paces_messages_and_refuses_a_flood() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        sender = feature.create_data_channel_sender(
            DataChannelSenderOpenOptions(channel_id=7, bitrate_in_kbps=1)
        )
        loop = asyncio.get_running_loop()
        await sender.send_message(bytes(5))
        began = loop.time()
        await sender.send_message(bytes(1250))
        assert loop.time() - began >= 0.03
        with pytest.raises(InvalidStateError) as caught:
            await sender.send_message(b"x")
        assert (caught.value.code, caught.value.sub_code) == (500, 45311)
        assert len(session.stream("7").sent) == 2
