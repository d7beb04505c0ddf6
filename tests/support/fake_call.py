"""A call without a service: real calls and features of `acs_core` on a scripted session.

`ScriptedSession` stands where `CallSession` stands; a test plays the service by `say`, which
applies facts to the roster and then tells the call, in the order that the real one keeps.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from acs_core import wire
from acs_core.client.call import Call
from acs_core.client.options import JoinCallOptions
from acs_core.client.ports import (
    LocalStream,
    NewStream,
    RosterChange,
    SessionObserver,
    SessionState,
    SessionStats,
)
from acs_core.client.setup import CallSetup
from acs_core.core.facts import (
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    Priority,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.core.roster import Roster
from acs_core.errors import CallingError, InvalidStateError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.models import ACS_LIMITS

CALL_ID = "c" * 32
LOCAL_ID = "f" * 32


def endpoint(digit: str, name: str, *publications: PublicationInfo) -> EndpointInfo:
    """An endpoint whose id is 32 times `digit`."""
    return EndpointInfo(
        id=digit * 32, identity=f"8:acs:res_{name}", name=name, publications=publications
    )


def publication(
    digit: str, kind: PublicationKind = PublicationKind.VIDEO, **changes: Any
) -> PublicationInfo:
    """A publication whose id is 32 times `digit` and which is named after its kind."""
    fields = {"name": str(kind), "number": int(digit, 16), **changes}
    return PublicationInfo(id=digit * 32, kind=kind, **fields)


class ScriptedReceiver:
    """Delivers frames that the test puts in; None ends them."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[VideoFrame | AudioFrame | None] = asyncio.Queue()
        self.dropped = 0
        self.opened: list[tuple[str, int | None]] = []
        self.closed = 0

    def frames(self, mode: str = "latest", *, maximum: int | None = None) -> ScriptedReceiver:
        """A reader; one at a time."""
        self.opened.append((mode, maximum))
        return self

    def stats(self) -> Any:
        """Nothing is measured."""
        return None

    def __aiter__(self) -> ScriptedReceiver:
        return self

    async def __anext__(self) -> VideoFrame | AudioFrame:
        frame = await self.queue.get()
        if frame is None:
            raise StopAsyncIteration
        return frame

    def close(self) -> None:
        """Stop reading."""
        self.closed += 1


class ScriptedSession:
    """What the call believes to be its session."""

    def __init__(
        self, observer: SessionObserver, endpoint_id: str, others: Sequence[EndpointInfo]
    ) -> None:
        self.observer = observer
        self.state = SessionState.IDLE
        self.call_id = ""
        self.room: wire.RoomInfo | None = None
        self.streams: dict[str, LocalStream] = {}
        self.receivers: dict[str, ScriptedReceiver] = {}
        self.log: list[tuple[Any, ...]] = []
        self.sent: list[tuple[str, str | bytes]] = []
        self.refusal: CallingError | None = None
        self.gate: asyncio.Event | None = None
        own = EndpointInfo(id=endpoint_id, identity="8:acs:res_me", name="me")
        self.roster = Roster.restore(1, [own, *others])
        self._own = endpoint_id

    async def join(self, streams: Sequence[NewStream]) -> tuple[LocalStream, ...]:
        """Enter at once."""
        if self.refusal is not None:
            raise self.refusal
        self.call_id = CALL_ID
        self.room = wire.RoomInfo(id="r1", name="lobby")
        self.state = SessionState.JOINED
        return tuple([self._publish(stream) for stream in streams])

    async def publish(self, stream: NewStream) -> LocalStream:
        """Publish at once, or when `gate` is opened, or be refused."""
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        return self._publish(stream)

    async def unpublish(self, stream: LocalStream) -> None:
        """Note it."""
        self.log.append(("unpublish", stream.name))
        del self.streams[stream.id]

    async def update(
        self,
        stream: LocalStream,
        *,
        enabled: bool | None = None,
        priority: Priority | None = None,
    ) -> None:
        """Note it, or be refused."""
        if self.refusal is not None:
            raise self.refusal
        self.log.append(("update", stream.name, enabled, priority))

    async def set_receive_policy(self, policy: wire.ReceivePolicy) -> None:
        """Note it."""
        self.log.append(("policy", policy))

    def reliability(self, publication: str) -> None:
        """Scripted calls have no data channels."""

    def receiver(self, publication: str) -> Any:
        """The receiver of a subscribed publication."""
        return self.receivers.get(publication)

    def is_subscribed(self, publication: str) -> bool:
        """Whether `subscribe` was called for it."""
        return publication in self.receivers

    def stats(self) -> SessionStats:
        """Nothing is measured."""
        return SessionStats(None, None)

    async def leave(self, *, for_everyone: bool = False) -> None:
        """Leave at once."""
        self.log.append(("leave", for_everyone))
        self.state = SessionState.ENDED

    # ------------------------------------------------------------ the service's lines

    def say(self, *facts: Fact) -> None:
        """The roster changes."""
        for fact in facts:
            before = self._about(fact)
            revision = self.roster.commit(fact)
            assert revision
            after = self._about(fact)
            self.observer.on_facts((RosterChange(fact, after or before),))

    def subscribe(self, publication_id: str) -> ScriptedReceiver:
        """A publication is received from now on."""
        receiver = self.receivers[publication_id] = ScriptedReceiver()
        self.observer.on_subscribed(publication_id)
        return receiver

    def unsubscribe(self, publication_id: str) -> None:
        """A publication is received no longer."""
        del self.receivers[publication_id]
        self.observer.on_unsubscribed(publication_id)

    def end(self, reason: EndReason) -> None:
        """The service ends it."""
        self.state = SessionState.ENDED
        self.observer.on_ended(reason)

    def _about(self, fact: Fact) -> EndpointInfo | None:
        match fact:
            case EndpointJoined(endpoint=info):
                return self.roster.endpoints.get(info.id)
            case EndpointLeft(endpoint=endpoint_id):
                return self.roster.endpoints.get(endpoint_id)
            case PublicationRemoved(publication=publication_id):
                return self.roster.owner(publication_id)
            case _:
                owner = getattr(fact, "publication", None)
                if isinstance(owner, str):
                    return self.roster.owner(owner)
                return self.roster.endpoints.get(getattr(fact, "endpoint", ""))

    def _publish(self, new: NewStream) -> LocalStream:
        number = len(self.log) + len(self.streams) + 100
        self.log.append(("publish", str(new.kind), new.name, new.enabled, str(new.priority)))
        stream = ScriptedStream(self, new)
        stream.info = PublicationInfo(
            id=uuid.uuid4().hex, number=number, kind=new.kind, name=new.name, enabled=new.enabled
        )
        self.streams[stream.id] = stream
        return stream


class ScriptedStream(LocalStream):
    """A stream of ours whose messages are only noted."""

    def __init__(self, session: ScriptedSession, new: NewStream) -> None:
        super().__init__(uuid.uuid4().hex, new)
        self._session = session
        self.replaced: list[object] = []

    def send(self, payload: str | bytes) -> None:
        """Note a message; "fail" is refused."""
        if payload == "fail":
            raise InvalidStateError("The channel is not open.")
        self._session.sent.append((self.name, payload))

    async def replace_source(self, source: Any) -> None:
        """Note the new source."""
        self.source = source
        self.replaced.append(source)


class ScriptedLink:
    """Makes scripted sessions; `others` are in the call already, `received` are subscribed."""

    def __init__(
        self, others: Sequence[EndpointInfo] = (), received: Mapping[str, ScriptedReceiver] = {}
    ) -> None:
        self.others = others
        self.received = dict(received)
        self.refusal: CallingError | None = None
        self.locators: list[wire.Locator] = []
        self.policies: list[wire.ReceivePolicy] = []
        self.last: ScriptedSession | None = None
        self.is_closed = False

    async def open(self) -> None:
        """Connect at once."""

    def session(
        self,
        observer: SessionObserver,
        *,
        endpoint_id: str,
        locator: wire.Locator,
        name: str,
        receive: wire.ReceivePolicy,
    ) -> ScriptedSession:
        """A new session."""
        self.locators.append(locator)
        self.policies.append(receive)
        self.last = ScriptedSession(observer, endpoint_id, self.others)
        self.last.receivers.update(self.received)
        self.last.refusal = self.refusal
        return self.last

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Agree to everything."""
        return wire.Answered()

    async def close(self) -> None:
        """Close at once."""
        self.is_closed = True


@asynccontextmanager
async def scripted_call(
    link: ScriptedLink, options: JoinCallOptions | None = None
) -> AsyncIterator[tuple[Call, ScriptedSession]]:
    """A connected call; closed at the end."""
    call = Call(
        CallSetup(
            link=link,
            endpoint_id=LOCAL_ID,
            locator=wire.RoomLocator(room="lobby"),
            display_name="me",
            limits=ACS_LIMITS,
            logger=logging.getLogger("test"),
            microphone=lambda: None,
            screen=_no_screen,
            device_flags=dict,
            on_over=lambda _call: None,
            follow=_no_other_call,
            sample_interval=3600.0,
        )
    )
    call.start(options or JoinCallOptions(streams=()))
    await call.connected()
    assert link.last is not None
    try:
        yield call, link.last
    finally:
        await call.aclose()


def _no_other_call(requested: wire.TransferRequested, options: JoinCallOptions) -> Call:
    raise AssertionError("this call is not transferred")


async def _no_screen() -> Any:
    raise InvalidStateError("There is no screen.")
