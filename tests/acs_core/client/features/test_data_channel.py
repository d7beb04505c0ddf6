from __future__ import annotations

import pytest

from acs_core import (
    CommunicationUserIdentifier,
    DataChannelSenderOptions,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    JoinCallOptions,
    ServiceError,
)
from acs_core.core.facts import EndpointJoined, EndpointLeft, PublicationKind
from tests.support.calls import Log, endpoint, joined, publication, settle

NOTHING = JoinCallOptions(streams=())


async def test_messages_go_out_on_a_publication_named_after_the_channel() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.DATA_CHANNEL)
        sender = feature.create_data_channel_sender(DataChannelSenderOptions(channel_id=42))
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
        lossy = feature.create_data_channel_sender(DataChannelSenderOptions(reliability="Lossy"))
        assert (lossy.channel_id, lossy.max_message_size) == (1, 1180)
        assert feature.create_data_channel_sender().channel_id == 2
        codes = []
        for options in (
            DataChannelSenderOptions(channel_id=1),
            DataChannelSenderOptions(channel_id=0),
            DataChannelSenderOptions(participants=(CommunicationUserIdentifier("8:acs:a_b"),)),
            DataChannelSenderOptions(reliability="Maybe"),
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                feature.create_data_channel_sender(options)
            codes.append(caught.value.sub_code)
        assert codes == [45303, 45303, 45305, 45321]
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
        wanted = DataChannelSenderOptions(channel_id=7)
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
