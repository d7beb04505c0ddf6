"""Stories of real calls for hypothesis: rules act, a model says what everybody must then see.

A `Story` is a state machine with a service, its users and an event loop of its own: a rule changes
its model and runs a coroutine to its end; after each rule `settle` waits until every client that
is connected to the service sees what the model says. Signaling runs over real WebSockets. Streams
are published over real transports, without packets, and nobody receives them: that keeps a step
short. At the end everybody hangs up and the service stops; nothing may be left then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import psutil
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from acs_core import (
    AcceptCallOptions,
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallState,
    CollectionUpdate,
    CommunicationUserIdentifier,
    IncomingCall,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    ParticipantRole,
    RemoteParticipant,
    RemoteParticipantState,
    StartCallOptions,
)
from acs_core.core.facts import EndReason
from acs_core.models import ServiceConnectionState
from tests.support.events import until
from tests.support.people import Meeting, meeting
from tests.support.proxies import TcpProxy, tcp_proxy
from tests.support.sources import IdleSource

__all__ = [
    "Client",
    "Person",
    "Story",
    "Witness",
    "camera",
    "check_many_stories",
    "check_stories",
    "options",
    "seen_person",
]

STEP: Final = 10.0
"""Seconds that an action may take."""
SETTLE: Final = 5.0
"""Seconds within which everybody sees what it led to."""

_Result = TypeVar("_Result")

_END: Final = {CallState.DISCONNECTING, CallState.DISCONNECTED}
LEGAL: Final[Mapping[CallState, set[CallState]]] = {
    CallState.NONE: {CallState.CONNECTING, *_END},
    CallState.CONNECTING: {CallState.RINGING, CallState.CONNECTED, *_END},
    CallState.RINGING: {CallState.CONNECTED, *_END},
    CallState.CONNECTED: {CallState.LOCAL_HOLD, CallState.REMOTE_HOLD, *_END},
    CallState.LOCAL_HOLD: {CallState.CONNECTED, CallState.REMOTE_HOLD, *_END},
    CallState.REMOTE_HOLD: {CallState.CONNECTED, CallState.LOCAL_HOLD, *_END},
    CallState.DISCONNECTING: {CallState.DISCONNECTED},
    CallState.DISCONNECTED: set(),
}
"""What may follow which state of a call; there is neither a lobby nor a telephone in the stories.

Source: the states of a call in ACS's page "Manage calls".
"""

_GONE: Final = {RemoteParticipantState.DISCONNECTED}
LEGAL_OF_PEOPLE: Final[Mapping[RemoteParticipantState, set[RemoteParticipantState]]] = {
    RemoteParticipantState.IDLE: {
        RemoteParticipantState.CONNECTING,
        RemoteParticipantState.CONNECTED,
        *_GONE,
    },
    RemoteParticipantState.CONNECTING: {
        RemoteParticipantState.RINGING,
        RemoteParticipantState.CONNECTED,
        *_GONE,
    },
    RemoteParticipantState.RINGING: {RemoteParticipantState.CONNECTED, *_GONE},
    RemoteParticipantState.CONNECTED: {RemoteParticipantState.HOLD, *_GONE},
    RemoteParticipantState.HOLD: {RemoteParticipantState.CONNECTED, *_GONE},
    RemoteParticipantState.DISCONNECTED: set(),
}
"""The same for a remote participant."""


def options(kind: type[JoinCallOptions] = JoinCallOptions) -> Any:
    """A microphone that gives nothing, and receive nothing."""
    sound = LocalAudioStream(IdleSource("audio"))
    return kind(audio_options=AudioOptions(False, (sound,)), receive_automatically=False)


def camera() -> LocalVideoStream:
    """A camera that gives nothing."""
    return LocalVideoStream(IdleSource("video"))


@dataclass(frozen=True, slots=True)
class Person:
    """What is seen of one participant.

    Attributes:
        videos: How many pictures are offered.
    """

    name: str
    state: RemoteParticipantState
    is_muted: bool = False
    videos: int = 0
    role: ParticipantRole = ParticipantRole.PRESENTER


def seen_person(participant: RemoteParticipant) -> Person:
    """A participant as the application sees it now."""
    return Person(
        participant.display_name,
        participant.state,
        participant.is_muted,
        sum(stream.is_available for stream in participant.video_streams),
        participant.role,
    )


class Witness:
    """Follows a call by its events alone, and compares with the call at each of them.

    Attributes:
        faults: Where what was told and what is true part, or an event came out of turn.
        people: Everybody else, by raw id, as the events say it.
        gone: Who left, and why, in order.
        mutes: How often others muted our microphone.
    """

    def __init__(self, call: Call, faults: list[str]) -> None:
        self.call = call
        self.faults = faults
        self.people: dict[str, RemoteParticipant] = {}
        self.gone: list[tuple[str, EndReason | None]] = []
        self.mutes = 0
        self._state = call.state
        self._is_muted = call.is_muted
        self._is_begun = False
        call.on("stateChanged", self._state_changed)
        call.on("remoteParticipantsUpdated", self._updated)
        call.on("isMutedChanged", self._muted)
        call.on("mutedByOthers", self._muted_by_others)
        self._take(call.remote_participants)

    def _fault(self, text: str) -> None:
        self.faults.append(f"call {self.call.id[:8]}: {text}")

    def _state_changed(self) -> None:
        before, self._state = self._state, self.call.state
        if self._state not in LEGAL[before]:
            self._fault(f"{before} was followed by {self._state}")
        if self._state is CallState.CONNECTED and not self._is_begun:
            # Who was there first is state, not event.
            self._is_begun = True
            self._take(self.call.remote_participants)

    def _updated(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.removed:
            key = participant.identifier.raw_id
            if self.people.pop(key, None) is not participant:
                self._fault(f"{key} was removed and had not been there")
            if participant.state is not RemoteParticipantState.DISCONNECTED:
                self._fault(f"{key} was removed and is {participant.state}")
            self.gone.append((key, participant.call_end_reason))
        for participant in update.added:
            if participant.identifier.raw_id in self.people:
                self._fault(f"{participant.identifier.raw_id} was added twice")
        self._take(update.added)
        if tuple(self.people.values()) != self.call.remote_participants:
            self._fault("remote_participants are not those of the events")

    def _take(self, participants: Iterable[RemoteParticipant]) -> None:
        for participant in participants:
            if self.people.get(participant.identifier.raw_id) is not participant:
                self.people[participant.identifier.raw_id] = participant
                self._watch(participant)

    def _watch(self, participant: RemoteParticipant) -> None:
        name, state, is_muted = participant.display_name, participant.state, participant.is_muted
        videos = {*participant.video_streams}

        def changed() -> None:
            nonlocal state
            before, state = state, participant.state
            if state not in LEGAL_OF_PEOPLE[before]:
                self._fault(f"{name}: {before} was followed by {state}")

        def muted() -> None:
            nonlocal is_muted
            if is_muted is participant.is_muted:
                self._fault(f"{name}: told of a mute that was none")
            is_muted = participant.is_muted

        def streams(update: CollectionUpdate[Any]) -> None:
            if not videos.isdisjoint(update.added) or not videos.issuperset(update.removed):
                self._fault(f"{name}: a video was added or removed twice")
            videos.difference_update(update.removed)
            videos.update(update.added)
            if videos != {*participant.video_streams}:
                self._fault(f"{name}: video_streams are not those of the events")

        participant.on("stateChanged", changed)
        participant.on("isMutedChanged", muted)
        participant.on("videoStreamsUpdated", streams)

    def _muted(self) -> None:
        before, self._is_muted = self._is_muted, self.call.is_muted
        if before is self._is_muted:
            self._fault("told of a mute that was none")

    def _muted_by_others(self) -> None:
        self.mutes += 1


@dataclass(eq=False, slots=True)
class Client:
    """One client of a user; its network can be cut.

    Attributes:
        name: For messages.
        raw_id: The user's.
        display_name: The user's.
        incoming: All that ever rang, in order.
        is_cut: Whether the network is cut now.
    """

    name: str
    raw_id: str
    display_name: str
    proxy: TcpProxy
    agent: CallAgent
    incoming: list[IncomingCall] = field(default_factory=list)
    is_cut: bool = False

    @property
    def identifier(self) -> CommunicationUserIdentifier:
        """Who it is."""
        return CommunicationUserIdentifier(self.raw_id)

    def start_call(self, *others: CommunicationUserIdentifier) -> Call:
        """Call somebody."""
        return self.agent.start_call(others, options(StartCallOptions))

    async def accept(self) -> Call:
        """Take what rang last."""
        return await (await self.incoming[-1].accept(options(AcceptCallOptions))).connected()

    async def cut(self) -> None:
        """Lose the connection to the service."""
        self.is_cut = True
        self.proxy.cut()
        await until(lambda: self.agent.connection_state is ServiceConnectionState.DISCONNECTED)

    async def restore(self) -> None:
        """Get it back."""
        self.proxy.restore()
        await until(lambda: self.agent.connection_state is ServiceConnectionState.CONNECTED)
        self.is_cut = False


class _Errors(logging.Handler):
    """Keeps what the library reports as an error: a listener or a task that failed."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self._faults.append(f"logged: {record.getMessage()} {record.exc_text or ''}")


class Story(RuleBasedStateMachine):
    """A service, its users and a loop; subclasses add rules and a model.

    Attributes:
        faults: What went wrong beside the model: events out of turn, errors in the log or the loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._is_failed = False
        self._files = psutil.Process().num_fds()
        self._log = _Errors(self.faults)
        logging.getLogger("acs_core").addHandler(self._log)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.faults.append(str(context)))
        self._stack = AsyncExitStack()
        self.clients: list[Client] = []
        self.place: Meeting = self.run(self._stack.enter_async_context(meeting()))

    # ------------------------------------------------------------ for subclasses

    def run(self, action: Coroutine[Any, Any, _Result]) -> _Result:
        """Run something to its end."""

        async def in_time() -> _Result:
            async with asyncio.timeout(STEP):
                return await action

        self._is_failed = True
        result = self._loop.run_until_complete(in_time())
        self._is_failed = False
        return result

    def new_client(self, name: str, user: Client | None = None) -> Client:
        """A client of a new user, or another one of a user."""
        client = self.run(self._connect(name, user))
        self.clients.append(client)
        return client

    def seen(self) -> dict[str, object]:
        """What everybody sees who is connected to the service."""
        raise NotImplementedError

    def expected(self) -> dict[str, object]:
        """What they should see."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait until everybody sees what they should; subclasses do so after each rule."""
        try:
            self.run(until(lambda: self.seen() == self.expected(), deadline=SETTLE))
        except TimeoutError:
            seen, expected = self.seen(), self.expected()
            wrong = [
                f"{key}:\n  sees   {seen.get(key)}\n  should {expected.get(key)}"
                for key in expected.keys() | seen.keys()
                if seen.get(key) != expected.get(key)
            ]
            raise AssertionError("\n".join(wrong)) from None
        self._is_failed = bool(self.faults)
        assert not self.faults, "\n".join(self.faults)

    def finish(self) -> None:
        """Let everybody come back and leave; subclasses do so in their own way."""

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        """End the story; nothing may be left."""
        try:
            if not self._is_failed:
                self.finish()
                self.settle()
        finally:
            logging.getLogger("acs_core").removeHandler(self._log)
            left = self._close()
        if self._is_failed:
            return
        assert not left, f"left running: {left}"
        assert not self.faults, "\n".join(self.faults)
        assert psutil.Process().num_fds() <= self._files, "sockets were left open"

    def _close(self) -> list[str]:
        """End clients and service; the tasks that are left."""
        self._loop.run_until_complete(self._stack.aclose())
        tasks = asyncio.all_tasks(self._loop)
        if tasks:
            _, tasks = self._loop.run_until_complete(asyncio.wait(tasks, timeout=0.5))
        left = [repr(task) for task in tasks]
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        return left

    async def _connect(self, name: str, user: Client | None) -> Client:
        proxy = await self._stack.enter_async_context(tcp_proxy(self.place.server.port))
        if user is None:
            raw_id, issued = self.place.server.issue_user_token()
            token, display_name = issued.token, name
        else:
            raw_id, display_name = user.raw_id, user.display_name
            identities = self.place.server.identities
            assert identities is not None
            token = identities.issue(raw_id, ("voip",), now=time.time()).token
        chosen = CallClientOptions(service_url=proxy.url, sample_interval=3600.0)
        owner = await self._stack.enter_async_context(CallClient(chosen))
        agent = await owner.create_call_agent(
            AzureCommunicationTokenCredential(token), CallAgentOptions(display_name)
        )
        client = Client(name, raw_id, display_name, proxy, agent)
        agent.on("incomingCall", lambda args: client.incoming.append(args.incoming_call))
        return client


def check_stories(kind: type[Story], *, stories: int, steps: int) -> None:
    """Run so many stories of at most so many steps, the same ones each time."""
    # To make a story shorter takes minutes: the long proof does that.
    _check(kind, stories, steps, derandomize=True, phases=[Phase.generate])


def check_many_stories(kind: type[Story], *, stories: int, steps: int) -> None:
    """Run so many stories, other ones each time; one that fails is told as short as it can be."""
    _check(kind, stories, steps)


def _check(kind: type[Story], stories: int, steps: int, **options: Any) -> None:
    chosen = settings(
        max_examples=stories,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **options,
    )
    run_state_machine_as_test(kind, settings=chosen)
