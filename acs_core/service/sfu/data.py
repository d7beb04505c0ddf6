"""Data publications: messages of one channel, copied to the channels of its subscribers.

Ordering and reliability are those of the channels: the publisher's channel has what it asked for,
and the subscribers' channels are opened with the same (RFC 8831 section 6.4). A subscriber whose
channel is full loses messages, and only it.
"""

from __future__ import annotations

import logging

from acs_core.core.facts import DataReliability
from acs_core.errors import CallingError
from acs_core.rtc.data import DataChannel, DataChannelState

__all__ = ["DataSource"]

_log = logging.getLogger(__name__)


class DataSource:
    """Where a data publication's messages come from, and who gets them.

    Attributes:
        id: The publication.
        forwarded: Messages handed to subscribers.
        dropped: Messages that a subscriber's channel could not take.
        reliability: Of the publisher's channel; None before there is one.
    """

    def __init__(self, publication: str) -> None:
        self.id = publication
        self.forwarded = 0
        self.dropped = 0
        self.reliability: DataReliability | None = None
        self._subscribers: set[DataChannel] = set()
        self._channel: DataChannel | None = None

    def read(self, channel: DataChannel) -> None:
        """Take messages from the publisher's channel, the newest one given."""
        self._channel = channel
        self.reliability = DataReliability(
            ordered=channel.ordered,
            max_retransmits=channel.max_retransmits,
            max_packet_life_time_ms=channel.max_packet_life_time,
        )
        channel.on_message = self._received

    def feed(self, channel: DataChannel) -> None:
        """Copy messages to a subscriber's channel."""
        # Channels end with their connection and tell nobody here.
        is_gone = DataChannelState.CLOSED
        self._subscribers = {item for item in self._subscribers if item.state is not is_gone}
        self._subscribers.add(channel)

    def starve(self, channel: DataChannel) -> None:
        """Stop copying to a subscriber's channel."""
        self._subscribers.discard(channel)

    def close(self) -> None:
        """The publication was withdrawn."""
        self._subscribers.clear()
        if self._channel is not None:
            self._channel.on_message = None

    def _received(self, payload: str | bytes) -> None:
        for channel in tuple(self._subscribers):
            if channel.state is DataChannelState.CLOSED:
                self._subscribers.discard(channel)
                continue
            try:
                channel.send(payload)
                self.forwarded += 1
            except CallingError as error:
                self.dropped += 1
                _log.debug("a message of %s was dropped: %s", self.id, error)
