"""A scripted service: sessions that do what a test says, with the interface of `CallSession`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from acs_core import wire
from acs_core.client.ports import (
    LinkObserver,
    LocalStream,
    NewStream,
    RosterChange,
    SessionObserver,
    SessionState,
    SessionStats,
)
from acs_core.core import endings
from acs_core.core.facts import (
    ActivityChanged,
    AttributesChanged,
    CallType,
    EndpointInfo,
    EndpointLeft,
    EndReason,
    Fact,
    PendingParticipant,
    Priority,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.core.roster import Roster
from acs_core.errors import CallingError, DeadlineError, InvalidStateError, Stage
from acs_core.media.frame_stream import FrameStream, ReceivedFrame
from acs_core.media.stats import PeerStats, ReceiverStats, SenderStats

__all__ = ["FakeLink", "FakeReceiver", "FakeSession"]

IDENTITY = "8:acs:resource_me"


class FakeReceiver:
    """A receiver into which a test pushes frames."""

    def __init__(self, mid: str) -> None:
        self.mid = mid
        self.readers: list[FrameStream] = []

    def frames(self, mode: str | None = None, *, maximum: int | None = None) -> FrameStream:
        stream = FrameStream(1 if mode == "latest" else maximum or 10, self.readers.remove)
        self.readers.append(stream)
        return stream

    def push(self, frame: ReceivedFrame) -> None:
        for reader in tuple(self.readers):
            reader.push(frame)


class FakeStream(LocalStream):
    """A local stream whose data goes to `sent`."""

    def __init__(self, key: str, new: NewStream) -> None:
        super().__init__(key, new)
        self.sent: list[str | bytes] = []
        self.is_open = True

    def send(self, payload: str | bytes) -> None:
        if not self.is_open:
            raise InvalidStateError("not connected")
        self.sent.append(payload)


class FakeSession:
    """One session; a test plays the service by its methods that begin with a verb."""

    def __init__(
        self,
        observer: SessionObserver,
        endpoint_id: str,
        locator: wire.Locator,
        name: str,
        receive: wire.ReceivePolicy,
    ) -> None:
        self.observer = observer
        self.id = endpoint_id
        self.locator = locator
        self.name = name
        self.policies = [receive]
        self.state = SessionState.IDLE
        self.roster = Roster()
        self.call_id = ""
        self.room: wire.RoomInfo | None = None
        self.call_type = CallType.GROUP
        self.thread_id = ""
        self.activity = ActivityChanged()
        self.asked: list[wire.RequestBody] = []
        self.answers: dict[type, wire.DeliveryBody | CallingError] = {}
        self.losses = 0  # So many answers do not come in time.
        self.behind_answer: Callable[[], None] = lambda: None
        self.others: list[EndpointInfo] = []
        self.pending: list[PendingParticipant] = []
        self.gate: asyncio.Event | None = None
        self.ask_gate: asyncio.Event | None = None
        self.publish_gate: asyncio.Event | None = None
        self.is_publishing = False  # And waits for the gate.
        self.unpublish_gate: asyncio.Event | None = None
        self.unpublish_error: CallingError | None = None
        self.join_error: CallingError | None = None
        self.publish_error: CallingError | None = None
        self.silenced: set[PublicationKind] = set()
        self.leave_error: CallingError | None = None
        self.update_error: CallingError | None = None
        self.updates: list[tuple[str, bool | None, Priority | None]] = []
        self.left: list[bool] = []
        self.receivers: dict[str, FakeReceiver] = {}
        self.subscribed: set[str] = set()
        self.sender_stats: dict[str, SenderStats] = {}
        self.receiver_stats: dict[str, ReceiverStats] = {}
        self.has_relay_failed = False
        self._streams: dict[str, FakeStream] = {}
        self._numbers = 100

    # ------------------------------------------------------------ what calls use

    @property
    def streams(self) -> Mapping[str, LocalStream]:
        return self._streams

    def receiver(self, publication: str) -> FakeReceiver | None:
        return self.receivers.get(publication)

    def reliability(self, publication: str) -> None:
        """No data channels here."""

    def is_subscribed(self, publication: str) -> bool:
        return publication in self.subscribed

    def stats(self) -> SessionStats:
        return SessionStats(
            PeerStats(
                "connected",
                has_relay_failed=self.has_relay_failed,
                senders=dict(self.sender_stats),
            ),
            PeerStats("connected", receivers=dict(self.receiver_stats)),
        )

    async def join(self, streams: Sequence[NewStream]) -> tuple[LocalStream, ...]:
        if self.state is not SessionState.IDLE:
            raise InvalidStateError(f"The session is {self.state}.")
        self._set_state(SessionState.JOINING)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.join_error is not None:
                raise self.join_error
        except BaseException:
            await self.leave()
            raise
        local = tuple(self._make(new) for new in streams)
        own = EndpointInfo(
            id=self.id,
            identity=IDENTITY,
            name=self.name,
            publications=tuple(item.info for item in local if item.info is not None),
        )
        self.roster = Roster.restore(
            1,
            [*self.others, own],
            pending=self.pending,
            activity=self.activity,
            call_type=self.call_type,
        )
        self.call_id = "c" * 32
        self._set_state(SessionState.JOINED)
        return local

    async def publish(self, stream: NewStream) -> LocalStream:
        self._require_joined()
        if self.publish_error is not None:
            raise self.publish_error
        if self.publish_gate is not None:
            self.is_publishing = True
            await self.publish_gate.wait()
        return self._make(stream)

    async def unpublish(self, stream: LocalStream) -> None:
        self._require_joined()
        if self.unpublish_gate is not None:
            await self.unpublish_gate.wait()
        if self.unpublish_error is not None:
            raise self.unpublish_error
        self._streams.pop(stream.id, None)

    async def update(
        self,
        stream: LocalStream,
        *,
        enabled: bool | None = None,
        priority: Priority | None = None,
    ) -> None:
        stream.enabled = stream.enabled if enabled is None else enabled
        stream.priority = priority or stream.priority
        if self.update_error is not None:
            raise self.update_error
        self.updates.append((stream.id, enabled, priority))

    async def set_receive_policy(self, policy: wire.ReceivePolicy) -> None:
        self._require_joined()
        if self.update_error is not None:
            raise self.update_error
        self.policies.append(policy)

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        self._require_joined()
        self.asked.append(body)
        if self.losses > 0:
            self.losses -= 1
            raise DeadlineError("the answer was lost", stage=Stage.SIGNALING)
        if self.ask_gate is not None:
            await self.ask_gate.wait()
        answer = self.answers.get(type(body), wire.Answered())
        if isinstance(answer, CallingError):
            raise answer
        if isinstance(body, wire.SetHold):
            own = self.roster.endpoints[self.id].attributes
            held = msgspec.structs.replace(own, is_on_hold=body.is_on_hold)
            self.say(AttributesChanged(endpoint=self.id, attributes=held))
        self.behind_answer()
        return answer

    async def leave(self, *, for_everyone: bool = False) -> None:
        if self.state is SessionState.ENDED:
            return
        self.left.append(for_everyone)
        self._set_state(SessionState.LEAVING)
        self.end(endings.HUNG_UP)
        if self.leave_error is not None:
            raise self.leave_error

    # ------------------------------------------------------------ what tests use

    def stream(self, name: str) -> FakeStream:
        return next(item for item in self._streams.values() if item.name == name)

    def say(self, *facts: Fact) -> None:
        """Commit facts and tell them as one change."""
        changes = []
        for fact in facts:
            before = self._about(fact)
            self.roster.commit(fact)
            if isinstance(fact, EndpointLeft | PublicationRemoved):
                changes.append(RosterChange(fact, before))
            else:
                changes.append(RosterChange(fact, self._about(fact) or before))
        self.observer.on_facts(tuple(changes))

    def subscribe(self, publication: str, receiver: FakeReceiver | None = None) -> None:
        if receiver is not None:
            self.receivers[publication] = receiver
        self.subscribed.add(publication)
        self.observer.on_subscribed(publication)

    def unsubscribe(self, publication: str) -> None:
        self.receivers.pop(publication, None)
        self.subscribed.discard(publication)
        self.observer.on_unsubscribed(publication)

    def lose(self, error: CallingError) -> None:
        self._set_state(SessionState.RECONNECTING, error)

    def restore(self) -> None:
        self._set_state(SessionState.JOINED)

    def end(self, reason: EndReason) -> None:
        self._set_state(SessionState.ENDED)
        self.observer.on_ended(reason)

    # ------------------------------------------------------------ inside

    def _require_joined(self) -> None:
        if self.state not in (SessionState.JOINED, SessionState.RECONNECTING):
            raise InvalidStateError(f"The call is {self.state}; this needs a joined call.")

    def _make(self, new: NewStream) -> FakeStream:
        self._numbers += 1
        stream = FakeStream(f"key{self._numbers}", new)
        stream.info = PublicationInfo(
            id=f"{self._numbers:032x}",
            number=self._numbers,
            kind=new.kind,
            name=new.name or f"stream{self._numbers}",
            enabled=new.enabled and new.kind not in self.silenced,
            priority=new.priority,
            reliability=new.reliability,
        )
        stream.name = stream.info.name
        self._streams[stream.id] = stream
        return stream

    def _about(self, fact: Fact) -> EndpointInfo | None:
        if isinstance(fact, PublicationChanged | PublicationRemoved):
            return self.roster.owner(fact.publication)
        endpoint = getattr(fact, "endpoint", None)
        if isinstance(endpoint, EndpointInfo):
            return endpoint
        return None if endpoint is None else self.roster.endpoints.get(endpoint)

    def _set_state(self, state: SessionState, error: CallingError | None = None) -> None:
        if state is not self.state:
            self.state = state
            self.observer.on_state(state, error)


class FakeLink:
    """A connection to a service that a test scripts.

    `prepare` is called with every new session before it joins.
    """

    def __init__(self, prepare: Callable[[FakeSession], None] | None = None) -> None:
        self.prepare = prepare
        self.sessions: list[FakeSession] = []
        self.open_error: CallingError | None = None
        self.is_open = False
        self.url = ""
        self.token: Callable[[], Awaitable[str]] | None = None
        self.observer: LinkObserver | None = None
        self.asked: list[wire.RequestBody] = []
        self.answers: dict[type, CallingError] = {}

    def factory(
        self,
        url: str,
        token: Callable[[], Awaitable[str]],
        observer: LinkObserver,
    ) -> FakeLink:
        self.url, self.token, self.observer = url, token, observer
        return self

    async def open(self) -> None:
        if self.open_error is not None:
            raise self.open_error
        self.is_open = True
        if self.observer is not None:
            self.observer.on_connected(True)

    def session(
        self,
        observer: SessionObserver,
        *,
        endpoint_id: str,
        locator: wire.Locator,
        name: str,
        receive: wire.ReceivePolicy,
    ) -> FakeSession:
        session = FakeSession(observer, endpoint_id, locator, name, receive)
        if self.prepare is not None:
            self.prepare(session)
        self.sessions.append(session)
        return session

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        self.asked.append(body)
        if type(body) in self.answers:
            raise self.answers[type(body)]
        return wire.Answered()

    async def close(self) -> None:
        self.is_open = False
