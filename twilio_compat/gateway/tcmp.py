"""TCMP v2, the framing under everything that twilio-video.js says: the server's side, pure.

Theory of operation. `socket.py` feeds one `TcmpServer` per WebSocket with the text that arrived,
and with the time; what comes back is what must be sent, handed on, or closed. The client opens with
`hello`; whoever runs the machine then answers with `welcome` or with `busy`. `ROWS` is what each
message means in each state, and what is not a row ends the socket with `bad`. Only in state OPEN do
messages pass: the client drops a `msg` that comes before `welcome`, so earlier ones wait here.

Facts about the client that shape this (twilio-video.js 2.36, `twilioconnection.js`):

* It repeats its `hello`, with another id and the same body, each 5 s until it is welcomed. One that
  comes after the welcome was sent before it arrived: its body is not handed on again.
* `hello.body` means what `msg.body` means.
* After a `busy` without `keepAlive` it closes with 3005 and comes again. A close of ours would be
  the end of its `connect()`, so the socket is left to it.
* `bad` ends its `connect()` before the welcome, and is only a warning after it.
* Only `msg` and `heartbeat` tell it that we live.
* Close code 1000 is a goodbye from either side; after any other it tries to go on with its session.

Source: twilio-video.js 2.36 on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from acs_core.errors import InvalidStateError, ProtocolError, Stage

__all__ = [
    "ROWS",
    "TCMP_VERSION",
    "Action",
    "Busy",
    "Close",
    "CloseCode",
    "Deliver",
    "Effect",
    "Greet",
    "Hello",
    "Send",
    "TcmpLimits",
    "TcmpServer",
    "TcmpState",
    "TcmpTimes",
]

TCMP_VERSION: Final = 2
BEAT_MARGIN: Final = 0.2
"""Seconds by which a heartbeat comes before it is missed; the client uses the same."""
SIZE_UNIT: Final = 16 * 1024
"""Characters that count as one more message: reading a long message takes long."""
LONGEST_TIMEOUT_MS: Final = 24 * 3600 * 1000
LONG_BODIES: Final = frozenset({"connect", "sync"})
"""What carries session descriptions, and may be a hello's body."""


class CloseCode(IntEnum):
    """Why we close a WebSocket (RFC 6455 section 7.4; the private ones are those of `wire.py`).

    `OK` is a goodbye: the client's room is left without an error and without another attempt.
    """

    OK = 1000
    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    TOO_LARGE = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    MALFORMED = 4400
    HELLO_TIMEOUT = 4408
    BEATS_LOST = 4409
    TOO_FAST = 4429
    SLOW_READER = 4430
    REPLACED = 4440


@dataclass(frozen=True, slots=True)
class TcmpTimes:
    """Deadlines, in seconds.

    Attributes:
        heartbeat: The longest silence that we agree to; the client asks for 5.
        shortest_heartbeat: The shortest, so that nobody makes us beat without pause.
        hello: For the first message, for another hello beyond what `busy` asked for, and for the
            client to close what it must close.
        missed_beats: Heartbeats of the client that may fail to come.
        grace: By how much each of them may be late: browsers fire the timers of hidden pages
            once a second.
    """

    heartbeat: float = 5.0
    shortest_heartbeat: float = 0.5
    hello: float = 5.0
    missed_beats: float = 3.0
    grace: float = 1.0


@dataclass(frozen=True, slots=True)
class TcmpLimits:
    """What one client may do.

    Attributes:
        hello: Characters of a hello that carries no session description.
        message: Characters of any other message. Chromium lists all of its codecs in each section
            of an offer: 350 KB in a room of 50 participants, more with screens.
        depth: Arrays and objects within each other, the message itself included.
        messages_per_second: For long; each further `SIZE_UNIT` of a message counts as one.
        burst: For once.
        backlog: Bytes that may wait until the client reads them.
    """

    hello: int = 64 * 1024
    message: int = 1024 * 1024
    depth: int = 32
    messages_per_second: float = 50.0
    burst: float = 200.0
    backlog: int = 4 << 20


class TcmpState(StrEnum):
    """Where the conversation is."""

    EARLY = "early"
    """No hello came."""
    GREETED = "greeted"
    """A hello came, and is to be answered."""
    WAITING = "waiting"
    """The client was told to say hello again on this socket."""
    OPEN = "open"
    REFUSED = "refused"
    """The client was told to close, and does so."""
    LEAVING = "leaving"
    """The client said goodbye and is about to close."""
    CLOSED = "closed"


class Action(StrEnum):
    """What a message calls for."""

    GREET = "greet"
    WELCOME_AGAIN = "welcome again"
    DELIVER = "deliver"
    LEAVE = "leave"
    NOTHING = "nothing"


ROWS: Final[Mapping[tuple[TcmpState, str], Action]] = MappingProxyType(
    {
        (TcmpState.EARLY, "hello"): Action.GREET,
        (TcmpState.EARLY, "bye"): Action.LEAVE,
        (TcmpState.GREETED, "hello"): Action.NOTHING,
        (TcmpState.GREETED, "bye"): Action.LEAVE,
        (TcmpState.WAITING, "hello"): Action.GREET,
        (TcmpState.WAITING, "bye"): Action.LEAVE,
        (TcmpState.OPEN, "hello"): Action.WELCOME_AGAIN,
        (TcmpState.OPEN, "heartbeat"): Action.NOTHING,
        (TcmpState.OPEN, "msg"): Action.DELIVER,
        (TcmpState.OPEN, "bye"): Action.LEAVE,
    }
)
"""What is known and not here is answered with `bad` and a close; what is unknown with nothing."""

KNOWN: Final = frozenset(kind for _, kind in ROWS)
DEAF: Final = frozenset({TcmpState.REFUSED, TcmpState.LEAVING, TcmpState.CLOSED})


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client opens with.

    Attributes:
        timeout: Seconds of silence that it asks for; None: as we like.
        cookie: From the `busy` that made it come again.
        body: Its first message, handed on after the welcome.
    """

    timeout: float | None = None
    cookie: str | None = None
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Come again later.

    Attributes:
        retry_after_ms: When; a negative number means never, `connect()` fails with 53006.
        keep_alive: Whether on the same WebSocket.
        cookie: What the client's next hello brings back.
    """

    retry_after_ms: int
    keep_alive: bool = False
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Greet:
    """Answer with `TcmpServer.welcome` or `TcmpServer.busy`."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class Send:
    """Write this text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand this RSP or ICE message on."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Close the WebSocket after what was sent; nothing follows."""

    code: CloseCode
    reason: str


Effect: TypeAlias = Greet | Send | Deliver | Close


class TcmpServer:
    """One WebSocket's conversation.

    Args:
        times: Deadlines.
        limits: What the client may do.
        now: Seconds on the clock that all other calls are told; the WebSocket was just opened.
    """

    def __init__(self, times: TcmpTimes, limits: TcmpLimits, *, now: float) -> None:
        self._times = times
        self._limits = limits
        self._state = TcmpState.EARLY
        self._deadline = now + times.hello
        self._hello = Hello()
        self._waiting: list[str] = []
        self._negotiated = times.heartbeat
        self._heard_at = now
        self._sent_at = now
        self._tokens = limits.burst
        self._refilled_at = now
        self._has_said_bye = False

    @property
    def state(self) -> TcmpState:
        """Where the conversation is."""
        return self._state

    @property
    def has_said_bye(self) -> bool:
        """Whether the client means not to come back."""
        return self._has_said_bye

    @property
    def next_deadline(self) -> float | None:
        """When to `tick`, unless something else happens first; None: never."""
        if self._state is TcmpState.OPEN:
            return min(self._beat_due, self._loss_due)
        if self._state in (TcmpState.GREETED, TcmpState.CLOSED):
            return None
        return self._deadline

    # ------------------------------------------------------------ what happens

    def receive(self, text: str, *, now: float) -> list[Effect]:
        """One text frame came."""
        if self._state in DEAF:
            return []
        self._heard_at = now
        if not self._is_affordable(text, now):
            return self._close(CloseCode.TOO_FAST, "Too many messages.")
        if len(text) > self._limits.message:
            return self._close(CloseCode.TOO_LARGE, "The message is too large.")
        try:
            message = _read(text, self._limits.depth)
            return self._handle(message, len(text), now)
        except ProtocolError as error:
            return self._complain(error)

    def welcome(self, *, now: float) -> list[Effect]:
        """Let the client in: what waited is sent, then the body of its hello handed on.

        Raises:
            InvalidStateError: There is no hello to answer.
        """
        self._check_answering()
        asked = self._times.heartbeat if self._hello.timeout is None else self._hello.timeout
        negotiated = min(asked, self._times.heartbeat)
        self._negotiated = max(negotiated, self._times.shortest_heartbeat)
        self._state = TcmpState.OPEN
        self._heard_at = self._sent_at = now
        effects: list[Effect] = [self._welcome(), *(Send(text) for text in self._waiting)]
        self._waiting.clear()
        if self._hello.body is not None:
            effects.append(Deliver(self._hello.body))
        return effects

    def busy(self, busy: Busy, *, now: float) -> list[Effect]:
        """Tell the client to come again later, or never.

        Raises:
            InvalidStateError: There is no hello to answer.
        """
        self._check_answering()
        is_waiting = busy.keep_alive and busy.retry_after_ms >= 0
        self._state = TcmpState.WAITING if is_waiting else TcmpState.REFUSED
        self._deadline = now + self._times.hello
        if is_waiting:
            self._deadline += busy.retry_after_ms / 1000
        message: dict[str, Any] = {
            "type": "busy",
            "retryAfter": busy.retry_after_ms,
            "keepAlive": busy.keep_alive,
        }
        if busy.cookie is not None:
            message["cookie"] = busy.cookie
        return [Send(_write(message))]

    def send(self, body: Mapping[str, Any], *, now: float) -> list[Effect]:
        """Say something, now or after the welcome; nothing when the client is about to go."""
        text = _write({"type": "msg", "body": body})
        if self._state is TcmpState.OPEN:
            self._sent_at = now
            return [Send(text)]
        if self._state not in DEAF:
            self._waiting.append(text)
        return []

    def tick(self, *, now: float) -> list[Effect]:
        """`next_deadline` passed, or perhaps not."""
        due = self.next_deadline
        if due is None or now < due:
            return []
        match self._state:
            case TcmpState.OPEN if now >= self._loss_due:
                return self._close(CloseCode.BEATS_LOST, "No heartbeat came.")
            case TcmpState.OPEN:
                self._sent_at = now
                return [Send(_HEARTBEAT)]
            case TcmpState.LEAVING:
                return self._close(CloseCode.OK, "Goodbye.")
            case TcmpState.REFUSED:
                return self._close(CloseCode.TRY_AGAIN_LATER, "Come again later.")
            case _:
                return self._close(CloseCode.HELLO_TIMEOUT, "No hello in time.")

    def closed(self) -> None:
        """The WebSocket is closed, or is being closed by somebody else."""
        self._state = TcmpState.CLOSED
        self._waiting.clear()

    # ------------------------------------------------------------ parts

    @property
    def _beat_due(self) -> float:
        # Half of a timeout that the margin would leave nothing of.
        return self._sent_at + max(self._negotiated - BEAT_MARGIN, self._negotiated / 2)

    @property
    def _loss_due(self) -> float:
        times = self._times
        return self._heard_at + times.missed_beats * (self._negotiated + times.grace)

    def _handle(self, message: dict[str, Any], size: int, now: float) -> list[Effect]:
        kind = message.get("type")
        if not isinstance(kind, str):
            raise _bad("A message has a type.")
        if kind not in KNOWN:
            return []
        match ROWS.get((self._state, kind)):
            case Action.GREET:
                return self._greet(_hello(message), size)
            case Action.WELCOME_AGAIN:
                return [self._welcome()]
            case Action.DELIVER:
                return [Deliver(_body(message))]
            case Action.LEAVE:
                self._has_said_bye = True
                self._state = TcmpState.LEAVING
                self._deadline = now + self._times.hello
                return []
            case Action.NOTHING:
                return []
            case None:
                raise _bad(f"The first message is a hello, not a {kind}.")

    def _greet(self, hello: Hello, size: int) -> list[Effect]:
        is_long = hello.body is not None and hello.body.get("type") in LONG_BODIES
        if size > self._limits.hello and not is_long:
            return self._close(CloseCode.TOO_LARGE, "The hello is too large.")
        self._hello = hello
        self._state = TcmpState.GREETED
        return [Greet(hello)]

    def _welcome(self) -> Send:
        milliseconds = round(self._negotiated * 1000)
        return Send(_write({"type": "welcome", "negotiatedTimeout": milliseconds}))

    def _complain(self, error: ProtocolError) -> list[Effect]:
        bad = Send(_write({"type": "bad", "reason": error.message}))
        if self._state is TcmpState.OPEN:
            return [bad]
        return [bad, *self._close(CloseCode.MALFORMED, error.message)]

    def _close(self, code: CloseCode, reason: str) -> list[Effect]:
        self.closed()
        return [Close(code, reason)]

    def _check_answering(self) -> None:
        if self._state not in (TcmpState.GREETED, TcmpState.WAITING):
            raise InvalidStateError(
                f"There is no hello to answer; the socket is {self._state}.", stage=Stage.SIGNALING
            )

    def _is_affordable(self, text: str, now: float) -> bool:
        limits = self._limits
        earned = (now - self._refilled_at) * limits.messages_per_second
        self._tokens = min(limits.burst, self._tokens + earned)
        self._refilled_at = now
        self._tokens -= 1 + len(text) // SIZE_UNIT
        return self._tokens >= 0


# ---------------------------------------------------------------- JSON


def _write(message: Mapping[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


_HEARTBEAT: Final = _write({"type": "heartbeat"})


def _bad(reason: str) -> ProtocolError:
    return ProtocolError(reason, stage=Stage.SIGNALING)


def _read(text: str, depth: int) -> dict[str, Any]:
    try:
        # Deep nesting ends in the decoder's own guard against recursion, a RecursionError.
        message = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise _bad(f"The message is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise _bad("A message is an object.")
    level: list[Any] = [message]
    for _ in range(depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return message
    raise _bad(f"The message is deeper than {depth}.")


def _hello(message: dict[str, Any]) -> Hello:
    if message.get("version") != TCMP_VERSION:
        raise _bad(f"Only version {TCMP_VERSION} is spoken here.")
    asked = message.get("timeout")
    if asked is not None and not _is_duration(asked):
        raise _bad("The timeout of a hello is a number of milliseconds.")
    cookie = message.get("cookie")
    if cookie is not None and not isinstance(cookie, str):
        raise _bad("The cookie of a hello is a string.")
    body = None if message.get("body") is None else _body(message)
    return Hello(None if asked is None else asked / 1000, cookie, body)


def _body(message: dict[str, Any]) -> dict[str, Any]:
    body = message.get("body")
    if not isinstance(body, dict):
        raise _bad("The body of a message is an object.")
    return body


def _is_duration(value: object) -> bool:
    """Whether a JSON value can be milliseconds; Python takes truth values for numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= LONGEST_TIMEOUT_MS
