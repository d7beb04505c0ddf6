"""`Features.DATA_CHANNEL`: messages between participants, ACS's way.

An ACS data channel is a data publication whose name is the channel id. Who receives one gets a
`DataChannelReceiver`; data publications with other names belong to `Features.STREAMS` alone.
Sending to chosen participants comes with a later version.

Source: `DataChannelCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    DataReceived,
    Joined,
    News,
    Over,
    RosterChanged,
    Subscribed,
    Unsubscribed,
)
from acs_core.client.ports import LocalStream, NewStream
from acs_core.core.facts import DataReliability, PublicationKind
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.events import DataChannelEvent, DataChannelReceiverEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = [
    "DataChannelFeature",
    "DataChannelMessage",
    "DataChannelReceiver",
    "DataChannelReliability",
    "DataChannelSender",
    "DataChannelSenderOptions",
]

_log = logging.getLogger(__name__)

RELIABLE_LIMIT: Final = 32 * 1024
LOSSY_LIMIT: Final = 1180
"""Bytes of one message; the vendor documents 32 KB for Durable and one packet for Lossy."""

CHANNEL_ID_LIMIT: Final = 65535
UNREAD_LIMIT: Final = 256
_NAME = re.compile(r"(\d{1,5})")


class DataChannelReliability(StrEnum):
    """How hard a channel tries."""

    DURABLE = "Durable"
    LOSSY = "Lossy"


@dataclass(frozen=True, slots=True)
class DataChannelSenderOptions:
    """How a channel is opened.

    Attributes:
        channel_id: 1 to 65535; None takes a free one.
        participants: Must be empty: messages go to everybody.
    """

    channel_id: int | None = None
    reliability: DataChannelReliability | str = DataChannelReliability.DURABLE
    participants: tuple[CommunicationIdentifier, ...] = ()


@dataclass(frozen=True, slots=True)
class DataChannelMessage:
    """One message.

    Attributes:
        sequence_number: Counts the messages that arrived on the channel, from 1.
    """

    sequence_number: int
    data: bytes


class DataChannelSender:
    """The sending end of a channel; opens by itself when it is made."""

    def __init__(
        self,
        context: CallContext,
        channel_id: int,
        is_durable: bool,
        on_closed: Callable[[int], None],
    ) -> None:
        self._context = context
        self._channel_id = channel_id
        self._is_durable = is_durable
        self._stream: LocalStream | None = None
        self._is_closed = False
        session = context.joined_session()
        reliability = DataReliability(ordered=is_durable, max_retransmits=None if is_durable else 0)
        new = NewStream(kind=PublicationKind.DATA, name=str(channel_id), reliability=reliability)
        self._on_closed = on_closed
        self._opening = context.work.start(session.publish(new), "open data channel")
        self._opening.add_done_callback(self._opened)

    @property
    def channel_id(self) -> int:
        """What the receivers know it by."""
        return self._channel_id

    @property
    def max_message_size(self) -> int:
        """Bytes of the largest message."""
        return RELIABLE_LIMIT if self._is_durable else LOSSY_LIMIT

    async def send_message(self, data: bytes) -> None:
        """Send a message to everybody.

        Raises:
            InvalidArgumentError: 400/45308: it is empty; 400/45309: it is too large.
            InvalidStateError: 400/45312: the sender is closed; 500/45301: it is not connected.
            CallingError: The service refused the channel.
        """
        if not data:
            raise InvalidArgumentError("The message is empty.", sub_code=45308)
        if len(data) > self.max_message_size:
            raise InvalidArgumentError(
                f"The message has {len(data)} bytes, {self.max_message_size} are allowed.",
                sub_code=45309,
            )
        if self._is_closed:
            raise InvalidStateError("The sender is closed.", code=400, sub_code=45312)
        await asyncio.wait([self._opening])
        if self._opening.cancelled():
            raise InvalidStateError("The call is over.", code=500, sub_code=45300)
        self._stream = self._opening.result()
        try:
            self._stream.send(bytes(data))
        except InvalidStateError as error:
            raise InvalidStateError(
                error.message, code=500, sub_code=45301, stage=Stage.DATA
            ) from error

    def close(self) -> None:
        """Close the channel; the receivers are told. Safe to repeat."""
        if not self._is_closed:
            self._is_closed = True
            self._context.work.spawn(self._close(), "close data channel")

    def _opened(self, opening: asyncio.Task[LocalStream]) -> None:
        if opening.cancelled() or opening.exception() is not None:
            self._on_closed(self._channel_id)

    async def _close(self) -> None:
        await asyncio.wait([self._opening])
        if self._opening.cancelled() or self._opening.exception() is not None:
            return  # There is nothing to close; `send_message` says why.
        try:
            if self._context.is_joined:
                await self._context.joined_session().unpublish(self._opening.result())
        except CallingError as error:
            _log.warning("Closing data channel %s failed: %s", self._channel_id, error)
        finally:
            self._on_closed(self._channel_id)


class DataChannelReceiver(Emitter):
    """The receiving end of a channel of one sender."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DataChannelReceiverEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45319

    def __init__(self, channel_id: int, sender: CommunicationIdentifier, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._channel_id = channel_id
        self._sender = sender
        self._messages: deque[DataChannelMessage] = deque(maxlen=UNREAD_LIMIT)
        self._received = 0

    @property
    def channel_id(self) -> int:
        """What the sender opened it as."""
        return self._channel_id

    @property
    def sender_participant_identifier(self) -> CommunicationIdentifier:
        """Who sends."""
        return self._sender

    def read_message(self) -> DataChannelMessage | None:
        """Take the oldest unread message; None when there is none.

        The newest 256 are kept; gaps in `sequence_number` show what was not read in time.
        """
        return self._messages.popleft() if self._messages else None

    def receive(self, payload: str | bytes) -> None:
        """Take a message; the feature does this."""
        self._received += 1
        data = payload.encode() if isinstance(payload, str) else payload
        self._messages.append(DataChannelMessage(self._received, data))
        self._emit(DataChannelReceiverEvent.MESSAGE_READY)

    def end(self) -> None:
        """Nothing more will come; the feature says so."""
        self._emit(DataChannelReceiverEvent.CLOSE)


class DataChannelFeature(CallFeature):
    """Data channels of a call."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(DataChannelEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45319

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._receivers: dict[str, DataChannelReceiver] = {}
        self._used: set[int] = set()

    @property
    def receivers(self) -> tuple[DataChannelReceiver, ...]:
        """Channels of the others that are open now (ours)."""
        return tuple(self._receivers.values())

    def create_data_channel_sender(
        self, options: DataChannelSenderOptions | None = None
    ) -> DataChannelSender:
        """Open a channel to everybody; messages wait until it is open.

        Raises:
            InvalidArgumentError: 400/45303: not a free channel id from 1 to 65535; 400/45305:
                participants are given; 400/45321: there is no such reliability.
            InvalidStateError: The call is not connected.
        """
        wanted = options or DataChannelSenderOptions()
        if wanted.participants:
            raise InvalidArgumentError(
                "Sending to chosen participants is not in this version.",
                sub_code=45305,
                next_step="Leave participants empty; messages go to everybody.",
            )
        try:
            reliability = DataChannelReliability(wanted.reliability)
        except ValueError as error:
            raise InvalidArgumentError("No such reliability.", sub_code=45321) from error
        channel_id = self._channel_id(wanted.channel_id)
        is_durable = reliability is DataChannelReliability.DURABLE
        sender = DataChannelSender(self._context, channel_id, is_durable, self._used.discard)
        self._used.add(channel_id)
        return sender

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Joined():
                self._follow()
            case RosterChanged():
                self._follow()
            case Subscribed() | Unsubscribed():
                self._follow()
            case DataReceived(publication=publication, payload=payload):
                self._follow()
                if publication in self._receivers:
                    self._receivers[publication].receive(payload)
            case Over():
                self._close(self._receivers)
            case _:
                pass

    def _channel_id(self, wanted: int | None) -> int:
        free = wanted
        if free is None:
            free = next(item for item in range(1, CHANNEL_ID_LIMIT + 2) if item not in self._used)
        if not 1 <= free <= CHANNEL_ID_LIMIT or free in self._used:
            raise InvalidArgumentError(
                f"{free} is not a free channel id from 1 to {CHANNEL_ID_LIMIT}.", sub_code=45303
            )
        return free

    def _follow(self) -> None:
        """Have a receiver for every channel that is received, and for no other."""
        session = self._context.joined_session()
        open_channels = {}
        for endpoint in session.roster.endpoints.values():
            for item in endpoint.publications if endpoint.id != self._context.endpoint_id else ():
                match = _NAME.fullmatch(item.name)
                is_data = item.kind is PublicationKind.DATA
                if match is not None and is_data and session.is_subscribed(item.id):
                    open_channels[item.id] = (int(match[1]), endpoint.identity)
        self._close([key for key in self._receivers if key not in open_channels])
        for key, (channel_id, identity) in open_channels.items():
            if key not in self._receivers:
                receiver = DataChannelReceiver(
                    channel_id, parse_raw_id(identity), self._context.listeners
                )
                self._receivers[key] = receiver
                self._emit(DataChannelEvent.DATA_CHANNEL_RECEIVER_CREATED, receiver)

    def _close(self, keys: Iterable[str]) -> None:
        for key in tuple(keys):
            self._receivers.pop(key).end()
