"""`Features.DATA_CHANNEL`: messages between participants, ACS's way.

An ACS data channel is a data publication whose name is the channel id. Who receives one gets a
`DataChannelReceiver`; data publications with other names belong to `Features.STREAMS` alone.
The service gives it to the chosen participants alone, if some were chosen.

Source: `DataChannelCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.arguments import check_type
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
from acs_core.core.facts import DataReliability, Priority, PublicationKind
from acs_core.core.pacing import Pacing
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.events import DataChannelEvent, DataChannelReceiverEvent
from acs_core.identifiers import (
    CommunicationIdentifier,
    PhoneNumberIdentifier,
    parse_raw_id,
    raw_id,
)

__all__ = [
    "DataChannelCallFeature",
    "DataChannelMessage",
    "DataChannelPriority",
    "DataChannelReceiver",
    "DataChannelReliability",
    "DataChannelSender",
    "DataChannelSenderOpenOptions",
]

_log = logging.getLogger(__name__)

RELIABLE_LIMIT: Final = 32 * 1024
LOSSY_LIMIT: Final = 1180
"""Bytes of one message; the vendor documents 32 KB for Durable and one packet for Lossy."""

CHANNEL_ID_LIMIT: Final = 65535
UNREAD_LIMIT: Final = 256
PARTICIPANTS_LIMIT: Final = 64
_NAME = re.compile(r"(\d{1,5})")


class DataChannelReliability(StrEnum):
    """How hard a channel tries."""

    DURABLE = "Durable"
    LOSSY = "Lossy"


class DataChannelPriority(StrEnum):
    """How much a channel matters beside others."""

    HIGH = "High"
    NORMAL = "Normal"


@dataclass(frozen=True, slots=True)
class DataChannelSenderOpenOptions:
    """How a channel is opened.

    Attributes:
        channel_id: 1 to 65535; None takes a free one.
        bitrate_in_kbps: How much goes out at most, greater than 0; None: as much as can.
        participants: Who receives the messages, 64 at most; nobody named means everybody.
    """

    channel_id: int | None = None
    bitrate_in_kbps: float | None = None
    priority: DataChannelPriority | str = DataChannelPriority.NORMAL
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
        options: DataChannelSenderOpenOptions,
        on_closed: Callable[[int], None],
    ) -> None:
        """Open a channel; the feature does this, with options that it has checked."""
        self._context = context
        self._channel_id = channel_id
        self._is_durable = options.reliability == DataChannelReliability.DURABLE
        rate = options.bitrate_in_kbps
        self._pacing = Pacing(None if rate is None else rate * 1000.0)
        self._is_closed = False
        self._on_closed = on_closed
        is_high = options.priority == DataChannelPriority.HIGH
        new = NewStream(
            kind=PublicationKind.DATA,
            name=str(channel_id),
            priority=Priority.HIGH if is_high else Priority.STANDARD,
            reliability=DataReliability(
                ordered=self._is_durable, max_retransmits=None if self._is_durable else 0
            ),
            audience=_audience(options.participants),
        )
        self._opening = context.work.start(
            context.joined_session().publish(new), "open data channel"
        )
        self._opening.add_done_callback(self._opened)
        self._choosing: asyncio.Task[None] | None = None

    @property
    def channel_id(self) -> int:
        """What the receivers know it by."""
        return self._channel_id

    @property
    def max_message_size(self) -> int:
        """Bytes of the largest message."""
        return RELIABLE_LIMIT if self._is_durable else LOSSY_LIMIT

    def set_participants(self, participants: Sequence[CommunicationIdentifier]) -> None:
        """Choose who receives the messages from now on; nobody named means everybody.

        Messages that are sent after this wait until the service knows.

        Raises:
            InvalidArgumentError: 400/45305: no list of identifiers; 400/45306: more than 64;
                400/45307: only telephones.
            InvalidStateError: 400/45312: the sender is closed.
        """
        audience = _audience(participants)
        self._check_open()
        previous = self._choosing
        self._choosing = self._context.work.start(
            self._choose(audience, previous), "choose receivers of data channel"
        )

    async def send_message(self, data: bytes) -> None:
        """Send a message; waits for its turn where the channel has a bit rate.

        Raises:
            InvalidArgumentError: 400/45320: not bytes; 400/45308: it is empty; 400/45309: it is
                too large.
            InvalidStateError: 400/45312: the sender is closed; 500/45301: it is not connected;
                500/45311: too much waits already; 500/45300: the call is over.
            CallingError: The service refused the channel, or the receivers.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InvalidArgumentError("A message is bytes.", sub_code=45320)
        payload = bytes(data)
        if not payload:
            raise InvalidArgumentError("The message is empty.", sub_code=45308)
        if len(payload) > self.max_message_size:
            raise InvalidArgumentError(
                f"The message has {len(payload)} bytes, {self.max_message_size} are allowed.",
                sub_code=45309,
            )
        self._check_open()
        stream = await self._ready()
        wait = self._pacing.reserve(len(payload), now=asyncio.get_running_loop().time())
        if wait is None:
            raise InvalidStateError(
                "Too many messages wait to be sent.",
                code=500,
                sub_code=45311,
                stage=Stage.DATA,
                next_step="Send less, or open the channel with a higher bit rate.",
            )
        if wait > 0:
            await asyncio.sleep(wait)
            self._check_open()
        try:
            stream.send(payload)
        except InvalidStateError as error:
            raise InvalidStateError(
                error.message, code=500, sub_code=45301, stage=Stage.DATA
            ) from error

    def close(self) -> None:
        """Close the channel; the receivers are told. Safe to repeat."""
        if not self._is_closed:
            self._is_closed = True
            self._context.work.spawn(self._close(), "close data channel")

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidStateError("The sender is closed.", code=400, sub_code=45312)

    async def _ready(self) -> LocalStream:
        """The stream, once it is published and its receivers are known."""
        for task in (self._opening, self._choosing):
            if task is None:
                continue
            await asyncio.wait([task])
            if task.cancelled():
                raise InvalidStateError("The call is over.", code=500, sub_code=45300)
        if self._choosing is not None:
            self._choosing.result()
        return self._opening.result()

    async def _choose(self, audience: tuple[str, ...], previous: asyncio.Task[None] | None) -> None:
        await asyncio.wait([self._opening, *([] if previous is None else [previous])])
        session = self._context.joined_session()
        publication = self._opening.result().id
        await session.ask(
            wire.SetAudience(
                endpoint=self._context.endpoint_id, publication=publication, audience=audience
            )
        )

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


class DataChannelCallFeature(CallFeature):
    """Data channels of a call."""

    NAME: ClassVar[str] = "DataChannel"
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
        self, options: DataChannelSenderOpenOptions | None = None
    ) -> DataChannelSender:
        """Open a channel; messages wait until it is open.

        Raises:
            InvalidArgumentError: 400/45303: not a free channel id from 1 to 65535; 400/45304: no
                bit rate; 400/45305 to 400/45307: participants that cannot be; 400/45321: there is
                no such reliability or priority.
            InvalidStateError: The call is not connected; 500/45302: all ids are taken.
        """
        wanted = options or DataChannelSenderOpenOptions()
        check_type(wanted, DataChannelSenderOpenOptions, "The options")
        try:
            DataChannelReliability(wanted.reliability)
            DataChannelPriority(wanted.priority)
        except ValueError as error:
            raise InvalidArgumentError(
                "There is no such reliability or priority.", sub_code=45321
            ) from error
        rate = wanted.bitrate_in_kbps
        if rate is not None and not (isinstance(rate, int | float) and 0 < rate < math.inf):
            raise InvalidArgumentError(f"{rate} is no bit rate in kbit/s.", sub_code=45304)
        channel_id = self._channel_id(wanted.channel_id)
        sender = DataChannelSender(self._context, channel_id, wanted, self._used.discard)
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
            ids = range(1, CHANNEL_ID_LIMIT + 1)
            free = next((item for item in ids if item not in self._used), None)
        if free is None:
            raise InvalidStateError("All channel ids are taken.", code=500, sub_code=45302)
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


def _audience(participants: Sequence[CommunicationIdentifier]) -> tuple[str, ...]:
    """Raw ids of who may receive, each once.

    Raises:
        InvalidArgumentError: 400/45305, 400/45306, 400/45307.
    """
    is_list = isinstance(participants, Sequence) and not isinstance(participants, str | bytes)
    if not is_list or not all(isinstance(item, CommunicationIdentifier) for item in participants):
        raise InvalidArgumentError("Participants are a list of identifiers.", sub_code=45305)
    if len(participants) > PARTICIPANTS_LIMIT:
        raise InvalidArgumentError(
            f"A channel has at most {PARTICIPANTS_LIMIT} chosen receivers.",
            sub_code=45306,
            next_step="Name nobody to send to everybody.",
        )
    able = [item for item in participants if not isinstance(item, PhoneNumberIdentifier)]
    if participants and not able:
        raise InvalidArgumentError("Telephones receive no messages.", sub_code=45307)
    return tuple(dict.fromkeys(map(raw_id, able)))
