"""One call, as an ACS application sees it.

Theory of operation. `CallCore` holds the state; this shell performs its effects. A call hears its
session through a `NewsDesk`, which turns what it says into news for the features, and owns two
groups of tasks: *work* (joining, operations, sampling), which ends with the call, and *listeners*,
which the agent ends. While the call is connecting, the features hear nothing; at `Joined` they read
the whole state, and messages that came meanwhile follow.

Source: `Call` of @azure/communication-calling 2.0.0. `connected`, `ended`, `error`, `endpoint_id`
and `room` are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from typing import ClassVar, Final, TypeVar

from acs_core.client.call_errors import error_of, reason_of
from acs_core.client.call_info import CallInfo
from acs_core.client.constraints import CallConstraints
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    FeatureKey,
    Joined,
    Observed,
    Over,
    Sampled,
)
from acs_core.client.features.keys import ALL_FEATURES
from acs_core.client.features.reconnection import ReconnectionFeature
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.local_media import LocalMedia
from acs_core.client.mixing import RemoteAudioStream
from acs_core.client.news_desk import NewsDesk
from acs_core.client.options import JoinCallOptions
from acs_core.client.participants import Participants, RemoteParticipant, audio_of
from acs_core.client.ports import Session
from acs_core.client.setup import CallSetup
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.core import endings
from acs_core.core.call import (
    Admitted,
    CallCore,
    CallState,
    CloseCall,
    Ended,
    HangUpRequested,
    Input,
    JoinRequested,
    LeaveSession,
    LobbyEntered,
    StartSession,
    StateChanged,
)
from acs_core.core.facts import EndReason
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, ServiceError
from acs_core.events import CallEvent, CollectionUpdate
from acs_core.models import (
    CallDirection,
    CallerInfo,
    CallKind,
    CallLimits,
    HangUpOptions,
    MediaStreamType,
)

__all__ = ["Call"]

LEAVE_TIMEOUT: Final = 2.5
HANG_UP_TIMEOUT: Final = LEAVE_TIMEOUT + 0.5
CLOSE_TIMEOUT: Final = HANG_UP_TIMEOUT + 3.0
"""Seconds that `Call.aclose` takes at most: hanging up, then the ends of two groups of tasks."""

_Feature = TypeVar("_Feature", bound=CallFeature)


class Call(Emitter):
    """A call that was joined; made by `CallAgent.join`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CallEvent)
    EVENT_SUB_CODE: ClassVar[int] = 41042

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(TaskOwner(setup.logger))
        self._setup = setup
        self._core = CallCore()
        self._work = TaskOwner(setup.logger)
        self._desk = NewsDesk(self._session_ended, self._lobby_entered)
        self._context = CallContext(
            endpoint_id=setup.endpoint_id,
            listeners=self._owner,
            work=self._work,
            publish_news=self._desk.publish,
            limits=setup.limits,
        )
        self._features: dict[type[CallFeature], CallFeature] = {
            key.kind: key.kind(self._context) for key in ALL_FEATURES
        }
        self._streams = self._feature(StreamsFeature)
        self._participants = Participants(
            self._context, self._streams, setup.limits, self._participants_updated
        )
        self._context.participant_of = self._participants.by_endpoint
        self._media = LocalMedia(self._context, self._streams, self._emit, setup)
        self._info = CallInfo(setup.endpoint_id, setup.locator, lambda: self._session)
        self._is_incoming_audio_muted = False
        self._remote_audio = RemoteAudioStream(
            lambda: audio_of(self._streams.endpoints),
            lambda: self._is_incoming_audio_muted,
            self._work,
        )
        others = [item for item in self._features.values() if item is not self._streams]
        self._desk.deliver_to([self._streams, self._participants, *others])
        self._session: Session | None = None
        self._joining: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._refusal: ServiceError | None = None
        self._error: CallingError | None = None
        self._settled = asyncio.Event()
        self._over = asyncio.Event()

    # ------------------------------------------------------------ properties

    @property
    def id(self) -> str:
        """32 hex digits, known at once and the same for ever."""
        return self._setup.endpoint_id

    @property
    def kind(self) -> CallKind:
        """Always `Call`."""
        return CallKind.CALL

    @property
    def state(self) -> CallState:
        """Where the call is in its life; a lost network that may come back does not show."""
        return self._core.state

    @property
    def call_end_reason(self) -> EndReason | None:
        """Why the call is over, or None while it is not; code 0 for our own hang-up."""
        return self._core.end_reason

    @property
    def error(self) -> CallingError | None:
        """What made the call end, with stage and next step; None without an error (ours)."""
        return self._error

    @property
    def direction(self) -> CallDirection:
        """Joined calls count as outgoing."""
        return CallDirection.OUTGOING

    @property
    def caller_info(self) -> CallerInfo:
        """Who started the call: this client, whose identifier is known once connected."""
        return self._info.caller(self._setup.display_name)

    @property
    def info(self) -> CallInfo:
        """The call's ids."""
        return self._info

    @property
    def limits(self) -> CallLimits:
        """How many streams this call takes (ours)."""
        return self._setup.limits

    @property
    def is_muted(self) -> bool:
        """Whether our microphone is muted."""
        return self._media.is_muted

    @property
    def is_incoming_audio_muted(self) -> bool:
        """Whether `remote_audio_streams` are silenced here; the others do not see it."""
        return self._is_incoming_audio_muted

    @property
    def is_local_video_started(self) -> bool:
        """Whether a camera of ours is in the call."""
        return self._media.is_on(MediaStreamType.VIDEO)

    @property
    def is_local_audio_started(self) -> bool:
        """Whether a microphone of ours is in the call, muted or not (ours)."""
        return self._media.is_on(MediaStreamType.AUDIO)

    @property
    def is_screen_sharing_on(self) -> bool:
        """Whether a screen of ours is in the call."""
        return self._media.is_on(MediaStreamType.SCREEN_SHARING)

    @property
    def local_video_streams(self) -> tuple[LocalVideoStream, ...]:
        """Our camera and screen, in the order of starting."""
        return self._media.video_streams

    @property
    def local_audio_streams(self) -> tuple[LocalAudioStream, ...]:
        """Our microphone, if there is one."""
        return self._media.audio_streams

    @property
    def remote_participants(self) -> tuple[RemoteParticipant, ...]:
        """Everybody else, in order of arrival."""
        return self._participants.all

    @property
    def remote_audio_streams(self) -> tuple[RemoteAudioStream, ...]:
        """One stream with the sound of everybody else, mixed."""
        return (self._remote_audio,)

    @property
    def has_tasks(self) -> bool:
        """Whether listeners or operations of this call still run (ours)."""
        return self._work.is_busy or self._owner.is_busy

    def feature(self, key: FeatureKey[_Feature]) -> _Feature:
        """An extension of this call: a member of `Features`; always the same object.

        Raises:
            InvalidArgumentError: Calls have no such feature.
        """
        if not isinstance(key, FeatureKey) or key.kind not in self._features:
            raise InvalidArgumentError(
                f"Calls have no feature {key!r}.", next_step="Use a member of Features."
            )
        return self._feature(key.kind)

    # ------------------------------------------------------------ actions

    def start(self, options: JoinCallOptions) -> None:
        """Begin to join; `CallAgent.join` does this.

        Raises:
            InvalidArgumentError: The options break a limit.
        """
        self._media.plan(options)
        self._setup.plan(self._features, options)
        self._handle(JoinRequested())

    async def connected(self) -> Call:
        """Wait until the call is connected, and return it (ours).

        Raises:
            CallingError: It ended before; the error says why.
        """
        await self._settled.wait()
        if self._error is not None:
            raise self._error
        return self

    async def ended(self) -> EndReason:
        """Wait until the call is over, and return why (ours)."""
        await self._over.wait()
        return self._core.end_reason or endings.HUNG_UP

    async def hang_up(self, options: HangUpOptions | None = None) -> None:
        """Leave the call, in at most 2.5 s; ending it again does nothing.

        Args:
            options: `for_everyone` ends the call for all.

        Raises:
            ServiceError: We have left, but may not end the call for everyone.
        """
        for_everyone = options is not None and options.for_everyone
        if self._core.accepts(HangUpRequested):
            self._handle(HangUpRequested(for_everyone))
        await self._over.wait()
        if for_everyone and self._leaving is not None:
            await asyncio.wait({self._leaving})
            if self._refusal is not None:
                raise self._refusal

    async def mute(self) -> None:
        """Send no sound of the microphone; the others see it."""
        await self._media.set_muted(True)

    async def unmute(self) -> None:
        """Send the sound of the microphone again; starts the default one if none was."""
        await self._media.set_muted(False)

    async def mute_incoming_audio(self) -> None:
        """Hear nobody: `remote_audio_streams` deliver silence while sound goes on arriving."""
        self._set_incoming_audio_muted(True)

    async def unmute_incoming_audio(self) -> None:
        """Hear the others again."""
        self._set_incoming_audio_muted(False)

    async def start_audio(self, stream: LocalAudioStream) -> None:
        """Send a microphone, muted if the call is.

        Raises:
            InvalidArgumentError: 400/41046: there is one; 400/41047: it is no LocalAudioStream.
            InvalidStateError: The call is not connected.
            SourceUnavailableError: The microphone cannot be opened.
        """
        await self._media.start_audio(stream)

    async def stop_audio(self) -> None:
        """Take the microphone out of the call."""
        await self._media.stop_audio()

    async def start_video(self, stream: LocalVideoStream) -> None:
        """Send a camera.

        Raises:
            InvalidArgumentError: 400/41026: it is no LocalVideoStream; 400/41027: it is on;
                400/41044: another one is.
            InvalidStateError: The call is not connected.
            SourceUnavailableError: 412/43000: the camera cannot be opened.
        """
        await self._media.start_video(stream)

    async def stop_video(self, stream: LocalVideoStream) -> None:
        """Take the camera out of the call.

        Raises:
            InvalidArgumentError: 400/41030: none is on; 400/41032: another one is.
        """
        await self._media.stop_video(stream)

    async def start_screen_sharing(self, stream: LocalVideoStream | None = None) -> None:
        """Share a screen.

        Args:
            stream: What to share; by default the first screen of this computer.

        Raises:
            InvalidArgumentError: 400/41035: one is shared already; 400/41036: no LocalVideoStream.
            InvalidStateError: 412/41071: the call is not connected.
            SourceUnavailableError: There is no screen, or it cannot be opened.
        """
        await self._media.start_screen(stream)

    async def stop_screen_sharing(self) -> None:
        """Share no screen.

        Raises:
            InvalidArgumentError: 400/41041: none is shared.
        """
        await self._media.stop_screen()

    async def set_constraints(self, constraints: CallConstraints) -> None:
        """Limit what the camera sends, now and when it starts; what is not limited stays as it was.

        Raises:
            InvalidArgumentError: 500/41065 before the call is connected, 500/41066 in it: a limit
                that nothing could keep; 500/41070: these are no constraints.
            InvalidStateError: 500/41067: the call is over.
        """
        if self._over.is_set():
            raise InvalidStateError("The call is over.", code=500, sub_code=41067)
        self._media.set_constraints(constraints)

    async def aclose(self) -> None:
        """Hang up and end all tasks; the agent does this when it is disposed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_TIMEOUT):
                await self.hang_up()
        await self._work.aclose()
        await self._owner.aclose()

    # ------------------------------------------------------------ inside

    def _set_incoming_audio_muted(self, is_muted: bool) -> None:
        if is_muted is not self._is_incoming_audio_muted:
            self._is_incoming_audio_muted = is_muted
            self._emit(CallEvent.IS_INCOMING_AUDIO_MUTED_CHANGED)

    def _session_ended(self, reason: EndReason) -> None:
        is_joining = self._joining is not None and not self._joining.done()
        is_own = reason == endings.HUNG_UP
        if is_joining and is_own and self.state is not CallState.DISCONNECTING:
            # A session that fails to join leaves before it raises; the error knows more.
            return
        self._end(reason)

    def _lobby_entered(self) -> None:
        if self._core.accepts(LobbyEntered):
            self._handle(LobbyEntered())

    def _feature(self, kind: type[_Feature]) -> _Feature:
        feature = self._features[kind]
        assert isinstance(feature, kind)
        return feature

    def _handle(self, input_: Input) -> None:
        for effect in self._core.handle(input_):
            match effect:
                case StateChanged(state=state):
                    if state in (CallState.CONNECTED, CallState.DISCONNECTED):
                        self._enter(state)
                    self._emit(CallEvent.STATE_CHANGED)
                case StartSession():
                    self._session = self._setup.open_session(self._desk)
                    self._context.start(self._session)
                    self._joining = self._work.start(self._join(self._session), "join call")
                case LeaveSession(for_everyone=for_everyone):
                    # Not as work: the call is over before it is known what the service said.
                    self._leaving = self._owner.spawn(self._leave(for_everyone), "leave call")
                    # Also when the program ends and its tasks are cancelled: who waits for the
                    # end of the call must not wait for ever.
                    self._leaving.add_done_callback(lambda _: self._end(endings.HUNG_UP))
                case CloseCall(reason=reason):
                    self._close(reason)

    async def _join(self, session: Session) -> None:
        try:
            async with AsyncExitStack() as holder:
                planned = await self._media.prepare(holder)
                streams = await session.join(planned)
            publications = [self._streams.adopt(stream) for stream in streams]
        except CallingError as error:
            await self._join_failed(session, error)
            return
        except Exception as cause:
            self._setup.logger.exception("Joining call %s failed", self.id)
            failure = CallingError(
                f"Joining failed: {cause}", next_step="Look at __cause__ for what raised it."
            )
            failure.__cause__ = cause
            await self._join_failed(session, failure)
            return
        if not self._core.accepts(Admitted):
            return
        self._handle(Admitted())
        self._media.joined(publications)
        self._tell_device_flags()
        self._desk.catch_up()
        self._work.start(self._sample(), "sample call")

    async def _join_failed(self, session: Session, error: CallingError) -> None:
        if self.state is CallState.DISCONNECTING:
            return
        self._error = self._error or error
        await self._leave_session(session, for_everyone=False)
        self._end(reason_of(error))

    async def _leave(self, for_everyone: bool) -> None:
        if self._joining is not None and not self._joining.done():
            self._joining.cancel()
        if self._session is not None:
            await self._leave_session(self._session, for_everyone=for_everyone)

    async def _leave_session(self, session: Session, *, for_everyone: bool) -> None:
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await session.leave(for_everyone=for_everyone)
        except (CallingError, TimeoutError) as error:
            self._setup.logger.warning("Leaving call %s failed: %s", self.id, error)
            if for_everyone and isinstance(error, ServiceError):
                self._refusal = error

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._setup.sample_interval)
            self._tell_device_flags()
            self._desk.publish(Sampled(loop.time()))

    def _tell_device_flags(self) -> None:
        for name, value in self._setup.device_flags().items():
            self._desk.publish(Observed(name, value))

    def _enter(self, state: CallState) -> None:
        """Make true what listeners of the new state may rely on."""
        is_connected = state is CallState.CONNECTED
        if is_connected and self._context.is_joined:
            return  # Back from hold.
        self._context.set_joined(is_connected)
        if is_connected:
            self._desk.open(Joined())
            self._settled.set()

    def _end(self, reason: EndReason) -> None:
        if self._core.accepts(Ended):
            if reason.code != 0 and self._error is None:
                self._error = error_of(reason)
                self._error.__cause__ = self._feature(ReconnectionFeature).cause
            self._handle(Ended(reason))

    def _close(self, reason: EndReason) -> None:
        if self._error is None and not self._settled.is_set():
            self._error = error_of(reason)
        self._desk.close(Over(reason))
        self._media.end()
        self._settled.set()
        self._over.set()
        self._work.cancel()
        self._setup.on_over(self)

    def _participants_updated(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        self._emit(CallEvent.REMOTE_PARTICIPANTS_UPDATED, update)
