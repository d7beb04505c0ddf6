"""What clients tell Insights: reading their messages, and a bounded memory of their events. Pure.

Theory of operation: a client says who it is (`Connect`, with its token), then sends events that are
never answered. The log keeps a *stream* per user, room and participant. Each stream holds a bounded
number of events and of characters; the oldest go first. A user has a bounded number of streams, and
the log as a whole has too. What is older than the retention is never shown, and is dropped with the
next event or look. Everything ends with the process.

Source: the messages are those that twilio-video.js 2.36 sends; the limits are ours.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from acs_core.errors import ProtocolError, Stage

__all__ = [
    "MESSAGE_LIMIT",
    "Connect",
    "Event",
    "InsightsLimits",
    "InsightsLog",
    "LoggedEvent",
    "Publisher",
    "Source",
    "StreamKey",
    "decode",
]

MESSAGE_LIMIT: Final = 1 << 16
"""Characters of one message; the largest that the SDK sends, a statistics report, has some 20 k."""

DEPTH_LIMIT: Final = 32

_TOKEN: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
"""RFC 7519: a JWT in compact form; its header begins with a brace and a quotation mark."""
_REMOVED: Final = "(token removed)"
_LEVEL: Final = 16


Label = Annotated[str, msgspec.Meta(max_length=128)]


class Publisher(msgspec.Struct, frozen=True, rename="camel"):
    """What a client says about itself; only the token is believed."""

    name: Label = ""
    sdk_version: Label = ""
    participant_sid: Label = ""
    room_sid: Label = ""


class Connect(msgspec.Struct, frozen=True, tag="connect"):
    """The first message."""

    token: str
    publisher: Publisher = Publisher()
    version: int = 1

    def __repr__(self) -> str:
        return f"Connect(token=..., publisher={self.publisher!r})"


class Event(msgspec.Struct, frozen=True, tag="event"):
    """Something that happened.

    Attributes:
        timestamp: Milliseconds since 1970, by the client's clock.
        payload: Whatever belongs to it; `level` in it is debug, info, warning or error.
    """

    group: Label
    name: Label
    session: Label | None = None
    timestamp: float = 0.0
    payload: dict[str, Any] | None = None
    version: int = 1


_decoder: Final = msgspec.json.Decoder(Connect | Event)
_encoder: Final = msgspec.json.Encoder()


def decode(text: str) -> Connect | Event | None:
    """Read one message; None for a type that is not known, which is no error.

    Raises:
        ProtocolError: Not JSON, too large, too deep, or its fields are wrong.
    """
    if len(text) > MESSAGE_LIMIT:
        raise _refused(f"Message of {len(text)} characters; {MESSAGE_LIMIT} are allowed.")
    try:
        message: Connect | Event = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        if _is_of_unknown_type(text):
            return None
        raise _refused(f"Unreadable message: {error}") from error
    if isinstance(message, Event) and _is_deeper(message.payload, DEPTH_LIMIT):
        raise _refused(f"The payload is nested deeper than {DEPTH_LIMIT}.")
    return message


def _is_deeper(value: Any, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def _is_of_unknown_type(text: str) -> bool:
    try:
        message = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False
    if not isinstance(message, dict):
        return False
    kind = message.get("type")
    return isinstance(kind, str) and kind not in ("connect", "event")


def _refused(message: str) -> ProtocolError:
    return ProtocolError(message, stage=Stage.SIGNALING)


# ---------------------------------------------------------------- the log


@dataclass(frozen=True, slots=True)
class InsightsLimits:
    """How much is kept.

    Attributes:
        events: Per stream.
        stream_size: Characters of one stream's payloads, as JSON.
        user_streams: Of one user; each participant that it was is one.
        streams: Altogether.
        retention: Seconds for which an event is kept.
    """

    events: int = 500
    stream_size: int = 1 << 18
    user_streams: int = 8
    streams: int = 256
    retention: float = 3600.0


@dataclass(frozen=True, slots=True)
class StreamKey:
    """Whose events these are.

    Attributes:
        raw_id: The user that the token is about.
        room_sid: As the client said.
        participant_sid: As the client said.
    """

    raw_id: str
    room_sid: str
    participant_sid: str


@dataclass(frozen=True, slots=True)
class Source:
    """What people want to read about whose events these are.

    Attributes:
        identity: Of the user.
        room: The room's name when the client came; empty when it was not known.
        sdk: What the client says that it is.
    """

    identity: str = ""
    room: str = ""
    sdk: str = ""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as it is kept.

    Attributes:
        sequence: Counts all events of the log from 1.
        received_at: Unix seconds, by our clock.
        timestamp: Milliseconds since 1970, by the client's clock.
        payload: JSON text, without tokens.
    """

    sequence: int
    received_at: float
    key: StreamKey
    source: Source
    group: str
    name: str
    level: str
    timestamp: float
    payload: str

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "sequence": self.sequence,
            "received_at": self.received_at,
            "room_sid": self.key.room_sid,
            "room": self.source.room,
            "participant_sid": self.key.participant_sid,
            "identity": self.source.identity,
            "sdk": self.source.sdk,
            "group": self.group,
            "name": self.name,
            "level": self.level,
            "timestamp": self.timestamp,
            "payload": msgspec.json.decode(self.payload),
        }


class _Stream:
    def __init__(self) -> None:
        self.events: deque[LoggedEvent] = deque()
        self.size = 0

    def add(self, event: LoggedEvent) -> None:
        self.events.append(event)
        self.size += len(event.payload)

    def drop_oldest(self) -> None:
        self.size -= len(self.events.popleft().payload)


class InsightsLog:
    """A bounded memory of events."""

    def __init__(self, limits: InsightsLimits | None = None) -> None:
        self._limits = limits or InsightsLimits()
        # In order of their last event, the quietest first.
        self._streams: dict[StreamKey, _Stream] = {}
        self._sequence = 0

    @property
    def last_sequence(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._sequence

    def add(self, key: StreamKey, source: Source, event: Event, *, now: float) -> LoggedEvent:
        """Keep one event.

        Args:
            key: Whose stream.
            source: For people.
            event: As the client sent it.
            now: Unix seconds.
        """
        payload = _TOKEN.sub(_REMOVED, _encoder.encode(event.payload or {}).decode())
        level = (event.payload or {}).get("level")
        self._sequence += 1
        logged = LoggedEvent(
            sequence=self._sequence,
            received_at=now,
            key=key,
            source=source,
            group=event.group,
            name=event.name,
            level=level if isinstance(level, str) and len(level) <= _LEVEL else "",
            timestamp=event.timestamp,
            payload=payload,
        )
        self._keep(logged)
        self.forget(now=now)
        return logged

    def forget(self, *, now: float) -> None:
        """Drop what is older than the retention; `now` is in Unix seconds."""
        oldest = now - self._limits.retention
        for key in list(self._streams):
            stream = self._streams[key]
            while stream.events and stream.events[0].received_at < oldest:
                stream.drop_oldest()
            if not stream.events:
                del self._streams[key]

    def find(
        self, accepts: Callable[[LoggedEvent], bool], *, after: int = 0, limit: int, now: float
    ) -> list[LoggedEvent]:
        """The first events after a sequence number that are accepted, in order.

        Args:
            accepts: Chooses.
            after: Only later ones.
            limit: At most so many.
            now: Unix seconds; what is too old by then is not shown.
        """
        self.forget(now=now)
        found = [event for event in self._all() if event.sequence > after and accepts(event)]
        found.sort(key=lambda event: event.sequence)
        return found[:limit]

    def _all(self) -> Iterator[LoggedEvent]:
        for stream in self._streams.values():
            yield from stream.events

    def _keep(self, event: LoggedEvent) -> None:
        stream = self._streams.pop(event.key, None)
        if stream is None:
            self._make_room(event.key.raw_id)
            stream = _Stream()
        self._streams[event.key] = stream
        stream.add(event)
        while len(stream.events) > self._limits.events or stream.size > self._limits.stream_size:
            stream.drop_oldest()

    def _make_room(self, raw_id: str) -> None:
        own = [key for key in self._streams if key.raw_id == raw_id]
        if len(own) >= self._limits.user_streams:
            del self._streams[own[0]]
        elif len(self._streams) >= self._limits.streams:
            del self._streams[next(iter(self._streams))]
