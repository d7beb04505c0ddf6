"""The same stories told by the real session and by the scripted one that other tests use.

Each world has the session under test and somebody else in the call; what the session tells its
observer, and what is true of it at that moment, must be the same in both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from acs_core import wire
from acs_core.client.ports import NewStream, RosterChange, Session, SessionState
from acs_core.client.session import CallSession
from acs_core.client.signaling import SignalingConnection
from acs_core.core import endings
from acs_core.core.facts import (
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import CallingError, InvalidStateError, ServiceError, Stage, TransportError
from acs_core.service.app import embedded
from tests.support.events import until
from tests.support.fake_session import FakeSession
from tests.support.people import pattern
from tests.support.proxies import tcp_proxy
from tests.support.service_client import Participant, SessionRoute, group, new_id

CHAT = NewStream(PublicationKind.DATA, name="chat")
CAMERA = NewStream(PublicationKind.VIDEO, pattern((200, 30, 30)), name="camera")
FORBIDDEN_ROOM = wire.RoomLocator(room="there-is-none")
JOINED = [("state", "joining", None), ("state", "joined", None)]


class Witness:
    """What a session told, with what was true of it at that moment."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.session: Session | None = None
        self.own_id = ""
        self._names: dict[str, str] = {}

    def on_state(self, state: SessionState, error: CallingError | None) -> None:
        assert self.session is not None
        assert self.session.state is state
        self.entries.append(("state", str(state), None if error is None else error.stage))

    def on_facts(self, changes: tuple[RosterChange, ...]) -> None:
        assert self.session is not None
        roster = self.session.roster
        for change in changes:
            if change.endpoint is not None and change.endpoint.id == self.own_id:
                continue  # What we did ourselves is our own business.
            match change.fact:
                case EndpointJoined(endpoint=endpoint):
                    self._names[endpoint.id] = "them"
                    self._note("joined", endpoint.id, endpoint.id in roster.endpoints)
                case EndpointLeft(endpoint=endpoint_id):
                    self._note("left", endpoint_id, endpoint_id in roster.endpoints)
                case PublicationAdded(publication=info):
                    self._names[info.id] = info.name
                    self._note("added", info.id, roster.publication(info.id) is not None)
                case PublicationChanged(publication=key):
                    known = roster.publication(key)
                    self._note("changed", key, known is not None and known.enabled)
                case PublicationRemoved(publication=key):
                    self._note("removed", key, roster.publication(key) is not None)
                case fact:
                    raise AssertionError(fact)
            assert change.endpoint is not None
            assert self._names[change.endpoint.id] == "them"

    def on_subscribed(self, publication: str) -> None:
        assert self.session is not None
        self._note("subscribed", publication, self.session.is_subscribed(publication))

    def on_unsubscribed(self, publication: str) -> None:
        assert self.session is not None
        assert self.session.receiver(publication) is None
        self._note("unsubscribed", publication, self.session.is_subscribed(publication))

    def on_data(self, publication: str, payload: str | bytes) -> None:
        self._note("data", publication, payload)

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        raise AssertionError("nobody asked for network quality")

    def on_forwarding(self, changes: tuple[wire.Forwarding, ...]) -> None:
        raise AssertionError("nobody asked for a bandwidth profile")

    def on_ended(self, reason: EndReason) -> None:
        assert self.session is not None
        assert self.session.state is SessionState.ENDED
        self.entries.append(("ended", reason.code, reason.sub_code))

    def _note(self, what: str, key: str, value: object) -> None:
        self.entries.append((what, self._names[key], value))


class World(ABC):
    """A session, and somebody else who acts."""

    def __init__(self, witness: Witness, session: Session) -> None:
        self.witness = witness
        self.session = session
        witness.session = session

    @abstractmethod
    async def enter(self) -> None:
        """Somebody else joins."""

    @abstractmethod
    async def publish(self, stream: NewStream) -> None:
        """They publish a stream."""

    @abstractmethod
    async def disable(self, name: str) -> None:
        """They disable it."""

    @abstractmethod
    async def send(self, name: str, data: str | bytes) -> None:
        """They send a message on it."""

    @abstractmethod
    async def unpublish(self, name: str) -> None:
        """They withdraw it."""

    @abstractmethod
    async def leave(self, *, for_everyone: bool = False) -> None:
        """They leave, or end the call."""

    @abstractmethod
    async def lose(self) -> None:
        """The session's signaling is lost."""

    @abstractmethod
    async def restore(self) -> None:
        """It can come back."""


class RealWorld(World):
    """A service, and a second real session."""

    def __init__(self, witness: Witness, session: Session, other: Participant, proxy: Any) -> None:
        super().__init__(witness, session)
        self._other = other
        self._proxy = proxy

    async def enter(self) -> None:
        await self._other.join()

    async def publish(self, stream: NewStream) -> None:
        await self._other.session.publish(stream)

    async def disable(self, name: str) -> None:
        await self._other.session.update(self._named(name), enabled=False)

    async def send(self, name: str, data: str | bytes) -> None:
        self._named(name).send(data)

    async def unpublish(self, name: str) -> None:
        await self._other.session.unpublish(self._named(name))

    async def leave(self, *, for_everyone: bool = False) -> None:
        await self._other.session.leave(for_everyone=for_everyone)

    async def lose(self) -> None:
        self._proxy.cut()

    async def restore(self) -> None:
        self._proxy.restore()

    def _named(self, name: str) -> Any:
        streams = self._other.session.streams.values()
        return next(stream for stream in streams if stream.name == name)


class ScriptedWorld(World):
    """The scripted session, told what the service would tell."""

    def __init__(self, witness: Witness, session: FakeSession) -> None:
        super().__init__(witness, session)
        self._script = session
        self._other = new_id()
        self._keys: dict[str, str] = {}

    async def enter(self) -> None:
        info = EndpointInfo(id=self._other, identity="8:acs:resource_them", name="Them")
        self._script.say(EndpointJoined(endpoint=info))

    async def publish(self, stream: NewStream) -> None:
        key = self._keys[stream.name] = new_id()
        info = PublicationInfo(id=key, number=1, kind=stream.kind, name=stream.name, enabled=True)
        self._script.say(PublicationAdded(endpoint=self._other, publication=info))
        self._script.subscribe(key)

    async def disable(self, name: str) -> None:
        info = self._script.roster.publication(self._keys[name])
        assert info is not None
        self._script.say(
            PublicationChanged(publication=info.id, enabled=False, priority=info.priority)
        )

    async def send(self, name: str, data: str | bytes) -> None:
        self._script.observer.on_data(self._keys[name], data)

    async def unpublish(self, name: str) -> None:
        key = self._keys.pop(name)
        self._script.unsubscribe(key)
        self._script.say(PublicationRemoved(publication=key))

    async def leave(self, *, for_everyone: bool = False) -> None:
        if for_everyone:
            self._script.end(endings.ENDED_FOR_EVERYONE)
            return
        for key in self._keys.values():
            self._script.unsubscribe(key)
        self._script.say(EndpointLeft(endpoint=self._other, reason=EndReason()))

    async def lose(self) -> None:
        self._script.lose(TransportError("lost", stage=Stage.SIGNALING))

    async def restore(self) -> None:
        self._script.restore()


@asynccontextmanager
async def real(place: wire.Locator) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(embedded())
        proxy = await stack.enter_async_context(tcp_proxy(service.port))
        token = service.issue_user_token()[1].token

        async def give() -> str:
            return token

        witness, route = Witness(), SessionRoute()
        connection = SignalingConnection(proxy.url, give, route)
        stack.push_async_callback(connection.close)
        witness.own_id = new_id()
        session = CallSession(connection, witness, endpoint_id=witness.own_id, locator=place)
        route.session = session
        stack.push_async_callback(session.leave)
        other = Participant(service.url, service.issue_user_token()[1].token, place)
        stack.push_async_callback(other.close)
        await connection.open()
        yield RealWorld(witness, session, other, proxy)


@asynccontextmanager
async def scripted(place: wire.Locator) -> AsyncIterator[World]:
    witness = Witness()
    witness.own_id = new_id()
    session = FakeSession(witness, witness.own_id, place, "", wire.ReceivePolicy())
    if place == FORBIDDEN_ROOM:
        session.join_error = ServiceError("There is no room.", code=404, sub_code=53106)
    yield ScriptedWorld(witness, session)


Open = Callable[[wire.Locator], Any]
both = pytest.mark.parametrize("open_world", [real, scripted])


async def heard(world: World, count: int) -> None:
    """Wait until so much was told."""
    await until(lambda: len(world.witness.entries) >= count)


@both
async def test_what_somebody_else_does_is_told_in_one_order(open_world: Open) -> None:
    async with open_world(group()) as world:
        await world.session.join([])
        await world.enter()
        await heard(world, 3)
        await world.publish(CAMERA)
        await heard(world, 5)
        await world.disable("camera")
        await heard(world, 6)
        await world.unpublish("camera")
        await heard(world, 8)
        await world.publish(CHAT)
        await heard(world, 10)
        await world.send("chat", "text")
        await world.send("chat", b"bytes")
        await heard(world, 12)
        await world.leave()
        await heard(world, 14)
        await world.session.leave()
        await world.session.leave()
        assert world.witness.entries == [
            *JOINED,
            ("joined", "them", True),
            ("added", "camera", True),
            ("subscribed", "camera", True),
            ("changed", "camera", False),
            ("unsubscribed", "camera", False),
            ("removed", "camera", False),
            ("added", "chat", True),
            ("subscribed", "chat", True),
            ("data", "chat", "text"),
            ("data", "chat", b"bytes"),
            ("unsubscribed", "chat", False),
            ("left", "them", False),
            ("state", "leaving", None),
            ("state", "ended", None),
            ("ended", 0, 0),
        ]


@both
async def test_our_own_streams_have_ids_and_come_and_go(open_world: Open) -> None:
    async with open_world(group()) as world:
        session: Session = world.session
        with pytest.raises(InvalidStateError):
            await session.publish(CHAT)
        (first,) = await session.join([CHAT])
        with pytest.raises(InvalidStateError):
            await session.join([])
        assert (first.name, len(first.id)) == ("chat", 32)
        assert dict(session.streams) == {first.id: first}
        own = session.roster.endpoints[world.witness.own_id]
        assert [item.id for item in own.publications] == [first.id]
        assert session.call_id
        second = await session.publish(replace(CHAT, name="more"))
        assert list(session.streams) == [first.id, second.id]
        assert second.info is not None
        assert (second.info.name, second.info.kind) == ("more", PublicationKind.DATA)
        await session.update(first, enabled=False)
        assert (first.enabled, second.enabled) == (False, True)
        await session.unpublish(first)
        await session.unpublish(first)
        assert list(session.streams) == [second.id]
        await session.leave()
        for action in (session.publish(CHAT), session.unpublish(second)):
            with pytest.raises(InvalidStateError):
                await action
        assert world.witness.entries == [
            *JOINED,
            ("state", "leaving", None),
            ("state", "ended", None),
            ("ended", 0, 0),
        ]


@both
async def test_a_refused_join_raises_and_ends_the_session(open_world: Open) -> None:
    async with open_world(FORBIDDEN_ROOM) as world:
        with pytest.raises(ServiceError) as caught:
            await world.session.join([])
        assert (caught.value.code, caught.value.sub_code) == (404, 53106)
        assert world.witness.entries == [
            ("state", "joining", None),
            ("state", "leaving", None),
            ("state", "ended", None),
            ("ended", 0, 0),
        ]


@both
async def test_a_call_that_is_ended_by_somebody_else_says_why(open_world: Open) -> None:
    async with open_world(group()) as world:
        await world.session.join([])
        await world.enter()
        await heard(world, 3)
        await world.leave(for_everyone=True)
        await heard(world, 5)
        await world.session.leave()
        assert world.witness.entries == [
            *JOINED,
            ("joined", "them", True),
            ("state", "ended", None),
            ("ended", 0, endings.ENDED_FOR_EVERYONE.sub_code),
        ]


@both
async def test_lost_signaling_is_a_state_until_it_is_back(open_world: Open) -> None:
    async with open_world(group()) as world:
        await world.session.join([])
        await world.lose()
        await heard(world, 3)
        await world.restore()
        await heard(world, 4)
        assert world.witness.entries == [
            *JOINED,
            ("state", "reconnecting", Stage.SIGNALING),
            ("state", "joined", None),
        ]
