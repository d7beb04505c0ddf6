"""Messages: `Meeting.send` with the event `data`, and `Meeting.pubSub`.

Theory of operation. Messages travel on data publications that are made when they are first needed;
the service keeps what is sent before the others receive them. Everything that comes on any data
publication is told as `data`, so a Twilio participant's data track is heard, and such a participant
hears `send` on a track. Topics have a publication of their own, on which JSON travels; who sent a
message is read from the publication and not from the message.

Source: `Meeting.send`, `pubSub` and `message` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, final

import msgspec

from acs_core import (
    Call,
    Features,
    InvalidArgumentError,
    LocalPublication,
    RemotePublication,
    StreamsEvent,
)
from acs_core.client.emitter import TaskOwner
from mapping.videosdk.absent import NotProvidedError
from mapping.videosdk.errors import Errors
from mapping.videosdk.events import DataMessage, MeetingEvent, ReliabilityMode
from mapping.videosdk.participant import Participant
from mapping.videosdk.stream import Perform
from twilio_compat import EventEmitter

__all__ = ["Messages", "PubSub", "PubSubMessage"]

_log = logging.getLogger(__name__)

UNRELIABLE: Final = "videosdk-unreliable"
CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {ReliabilityMode.RELIABLE: "videosdk-reliable", ReliabilityMode.UNRELIABLE: UNRELIABLE}
)
TOPICS: Final = "videosdk-topics"
"""Names of our data publications; a Twilio participant sees them as the tracks' names."""

_MESSAGE: Final = "message"
_RECEIVED: Final = "onMessageReceived"


@final
@dataclass(frozen=True, slots=True)
class PubSubMessage:
    """A message of a topic; VideoSDK calls the class `message`.

    Attributes:
        id: Unique.
        timestamp: When it was sent, by the sender's clock; ISO 8601 with time zone.
        payload: What was given beside the text; anything that JSON can hold.
    """

    id: str
    message: str
    senderId: str
    senderName: str
    timestamp: str
    topic: str
    payload: Any = None


class _Sent(msgspec.Struct):
    """What travels."""

    id: str
    topic: str
    message: str
    timestamp: str
    payload: Any = None


class _Topic(EventEmitter):
    EVENTS: ClassVar[frozenset[str]] = frozenset({_MESSAGE})


class Messages:
    """The data publications of one meeting.

    Attributes:
        pub_sub: The topics.
    """

    def __init__(
        self,
        call: Callable[[], Call],
        local: Participant,
        emit: Callable[..., bool],
        perform: Perform,
        tasks: TaskOwner,
    ) -> None:
        """Make it; nothing is published yet.

        Args:
            call: The call, or `MeetingError` before the meeting is joined.
            local: This program.
            emit: Tells an event of the meeting.
            perform: Does something in the meeting's turn.
            tasks: Owner of the tasks of coroutine listeners.
        """
        self._call = call
        self._emit = emit
        self._channels: dict[str, LocalPublication] = {}
        self.pub_sub = PubSub(self, local, perform, tasks)

    def follow(self, call: Call) -> None:
        """Hear what the others send, from now until the end of the call."""
        call.feature(Features.STREAMS).on(StreamsEvent.DATA_RECEIVED, self._received)

    async def send(self, channel: str, payload: str | bytes) -> None:
        """Send on one of our publications, which is made if need be.

        Raises:
            MeetingError: The meeting is not joined.
            CallingError: The service refuses, or too much waits to be sent.
        """
        if channel not in self._channels:
            streams = self._call().feature(Features.STREAMS)
            may_be_lost = channel == UNRELIABLE
            self._channels[channel] = await streams.publish_data(
                name=channel,
                ordered=not may_be_lost,
                max_retransmits=0 if may_be_lost else None,
            )
        self._channels[channel].send(payload)

    def _received(self, publication: RemotePublication, payload: str | bytes) -> None:
        if publication.name == TOPICS:
            self.pub_sub._received(publication, payload)
            return
        limits = publication.reliability
        is_reliable = limits.max_retransmits is None and limits.max_packet_life_time_ms is None
        message = DataMessage(
            payload=payload,
            sender=publication.endpoint.id,
            timestamp=int(time.time() * 1000),
            reliability="reliable" if is_reliable else "unreliable",
        )
        self._emit(MeetingEvent.DATA, message)


@final
class PubSub:
    """Topics with text messages; everybody who subscribed receives them, the sender included.

    Nothing is kept: `persist`, `sendOnly` and the listeners of old messages are refused.
    """

    def __init__(
        self, messages: Messages, local: Participant, perform: Perform, tasks: TaskOwner
    ) -> None:
        self._messages = messages
        self._local = local
        self._perform = perform
        self._tasks = tasks
        self._topics: dict[str, _Topic] = {}

    def publish(
        self,
        topic: str,
        message: str,
        options: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> asyncio.Task[None]:
        """Send a message to who subscribed to the topic.

        Args:
            topic: Any text.
            message: The text.
            options: `persist` and `sendOnly` of VideoSDK, which must be false or absent.
            payload: Anything that JSON can hold, to go with it.

        Raises:
            NotProvidedError: The options ask for something.
            InvalidArgumentError: Topic or message is no text, or JSON cannot hold the payload.
            MeetingError: When awaited: 3035 before the meeting is joined, 4087 otherwise.
        """
        if any((options or {}).values()):
            raise NotProvidedError(
                f"pubSub.publish keeps and chooses nothing: {options!r}.",
                next_step="Use Features.DATA_CHANNEL to choose who receives it.",
            )
        if not isinstance(topic, str) or not isinstance(message, str):
            raise InvalidArgumentError("A topic and a message are text.")
        now = datetime.now(UTC).isoformat()
        sent = _Sent(uuid.uuid4().hex, topic, message, now, payload)
        try:
            text = msgspec.json.encode(sent).decode()
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"JSON cannot hold the payload: {error}.") from error

        async def send() -> None:
            await self._messages.send(TOPICS, text)
            self._tell(sent, self._local.id, self._local.displayName)

        return self._perform(send, Errors.PUBSUB_PUBLISH_FAILED)

    def subscribe(
        self, topic: str, listeners: Mapping[str, Callable[..., object]]
    ) -> asyncio.Future[None]:
        """Hear the messages of a topic from now on, before the meeting is joined or in it.

        Args:
            topic: Any text.
            listeners: `{"onMessageReceived": function}`; it gets a `PubSubMessage`.

        Raises:
            NotProvidedError: There are other listeners.
            InvalidArgumentError: The topic is no text, or there is no listener.
        """
        listener = _listener(topic, listeners)
        self._topics.setdefault(topic, _Topic(self._tasks)).on(_MESSAGE, listener)
        return _done()

    def unsubscribe(
        self, topic: str, listeners: Mapping[str, Callable[..., object]]
    ) -> asyncio.Future[None]:
        """Take a listener back; one that is not there is no error. Raises as `subscribe`."""
        listener = _listener(topic, listeners)
        if topic in self._topics:
            self._topics[topic].off(_MESSAGE, listener)
        return _done()

    def _received(self, publication: RemotePublication, payload: str | bytes) -> None:
        """Take what travels; for `Messages`."""
        try:
            sent = msgspec.json.decode(payload, type=_Sent)
        except (msgspec.MsgspecError, UnicodeError) as error:
            _log.warning("A message of %s is none of ours: %s", publication.endpoint.id, error)
            return
        self._tell(sent, publication.endpoint.id, publication.endpoint.display_name)

    def _tell(self, sent: _Sent, sender_id: str, sender_name: str) -> None:
        topic = self._topics.get(sent.topic)
        if topic is not None:
            message = PubSubMessage(
                id=sent.id,
                message=sent.message,
                senderId=sender_id,
                senderName=sender_name,
                timestamp=sent.timestamp,
                topic=sent.topic,
                payload=sent.payload,
            )
            topic.emit(_MESSAGE, message)


def _listener(topic: str, listeners: Mapping[str, Callable[..., object]]) -> Callable[..., object]:
    if not isinstance(topic, str):
        raise InvalidArgumentError("A topic is text.")
    if not isinstance(listeners, Mapping) or not callable(listeners.get(_RECEIVED)):
        raise InvalidArgumentError(f"Listeners are an object with {_RECEIVED}.")
    if others := listeners.keys() - {_RECEIVED}:
        raise NotProvidedError(
            f"pubSub has no {', '.join(sorted(others))}.",
            next_step=f"Messages are not kept or batched; use {_RECEIVED}.",
        )
    return listeners[_RECEIVED]


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
