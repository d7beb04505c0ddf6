from __future__ import annotations

import gc
import weakref

from aiortc.rtcdatachannel import RTCDataChannelParameters

from acs_core.rtc.data import DataChannel, DataChannelState
from acs_core.service.sfu.data import DataSource


def channel() -> DataChannel:
    return DataChannel(RTCDataChannelParameters(label="x"), lambda _: None)


def test_messages_are_copied_to_everybody_who_is_fed() -> None:
    source, publisher, first, second = DataSource("p"), channel(), channel(), channel()
    source.read(publisher)
    source.feed(first)
    source.feed(second)
    assert publisher.on_message is not None
    publisher.on_message("one")
    source.starve(second)
    publisher.on_message(b"two")
    assert source.forwarded == 3
    assert (first.buffered_amount, second.buffered_amount) == (6, 3)
    source.close()
    assert publisher.on_message is None


def test_a_subscriber_that_is_full_loses_messages_and_only_it() -> None:
    source, publisher, full, empty = DataSource("p"), channel(), channel(), channel()
    source.read(publisher)
    source.feed(full)
    full.send(b"x" * ((1 << 20) - 10))
    source.feed(empty)
    assert publisher.on_message is not None
    publisher.on_message(b"y" * 100)
    assert (source.forwarded, source.dropped) == (1, 1)
    assert empty.buffered_amount == 100


def test_channels_that_ended_with_their_connection_are_not_kept() -> None:
    source = DataSource("p")
    gone = channel()
    source.feed(gone)
    gone.close()
    assert gone.state is DataChannelState.CLOSED
    trace = weakref.ref(gone)
    del gone
    source.feed(channel())
    gc.collect()
    assert trace() is None


def test_a_closed_channel_is_dropped_at_the_next_message() -> None:
    source, publisher, gone = DataSource("p"), channel(), channel()
    source.read(publisher)
    source.feed(gone)
    gone.close()
    assert publisher.on_message is not None
    publisher.on_message("x")
    assert (source.forwarded, source.dropped) == (0, 0)
