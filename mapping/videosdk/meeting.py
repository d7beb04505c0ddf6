"""`Meeting`: a call of `acs_core` as a program written for VideoSDK sees it.

Theory of operation. A meeting stands on one `CallClient`, `CallAgent` and `Call`, which `join`
makes and which are let go of when the call is over, whoever ended it. The others and what they send
are read from `Features.STREAMS`, ourselves from the call. Every method that VideoSDK declares as a
promise starts at once and returns a task, so that it works with `await` and without; what such a
task raises is told by the event `error` as well. They run one after the other, in the order of the
calls; only `leave` and `end` overtake.

Source: `Meeting` of @videosdk.live/js-sdk 1.1.1, and VideoSDK's guide for Twilio users, which
`tests/mapping/videosdk/test_guide.py` follows line by line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import ClassVar, Final, Self, TypeVar, final

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallEndReason,
    CallEvent,
    CallingError,
    CallState,
    Features,
    HangUpOptions,
    InvalidArgumentError,
    JoinCallOptions,
    ReconnectionEvent,
    RoomCallLocator,
    VideoOptions,
)
from acs_core.client.emitter import TaskOwner
from acs_core.media.sources import MediaSource
from mapping.videosdk.absent import not_provided
from mapping.videosdk.errors import Errors, MeetingError, meeting_error, reason_of
from mapping.videosdk.events import MeetingEvent, MeetingState, ReliabilityMode, StateChange
from mapping.videosdk.local_media import LocalMedia
from mapping.videosdk.messages import CHANNELS, Messages, PubSub
from mapping.videosdk.options import MeetingSettings
from mapping.videosdk.participant import Participant
from mapping.videosdk.roster import Roster
from twilio_compat import EventEmitter, LiveMap

__all__ = ["Meeting"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

LISTENER_GRACE: Final = 0.5
"""Seconds that coroutine listeners may go on after the meeting is over."""

_DEVICES: Final = "Use DeviceManager of acs_core; give the source to the method that starts it."
_RECORD: Final = "Use the Recordings and Compositions of the REST API, or Features.LOCAL_RECORDING."
_CAPTIONS: Final = "Use Features.CAPTIONS or Features.TRANSCRIPTION."
_STREAMING: Final = "There is no live streaming; record, and stream the recording."
_ALL: Final = "Use Stream.pause and Stream.resume of each stream."
_ONE_ROOM: Final = "Leave this meeting and join the other one."
_FILES: Final = "Send the file's address with Meeting.send."
_BOARD: Final = "There is no whiteboard; draw with messages of Meeting.send."
_BUDGET: Final = "Use Features.RECEIVE_POLICY with a BandwidthProfile."


@final
class Meeting(EventEmitter):
    """A meeting that this program is in, was in, or will be; made by `VideoSDK.initMeeting`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(MeetingEvent)

    def __init__(self, token: str, settings: MeetingSettings) -> None:
        super().__init__(TaskOwner())
        self._token = token
        self._settings = settings
        self._work = TaskOwner()
        self._turn = asyncio.Lock()
        self._state: MeetingState | None = None
        self._joining: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()
        self._is_over = False
        self._released = asyncio.Event()
        self._core: Call | None = None
        self._media: LocalMedia | None = None
        self._local = Participant(settings.name, self._tasks)
        self._messages = Messages(
            self._joined_call, self._local, self.emit, self._perform, self._tasks
        )
        self._roster = Roster(self._local, self.emit, self._perform, self._tasks)

    @property
    def id(self) -> str:
        """The `meetingId` of `initMeeting`."""
        return self._settings.meeting_id

    @property
    def localParticipant(self) -> Participant:
        """This program; the same object from the start, with an id once the meeting is joined."""
        return self._local

    @property
    def participants(self) -> LiveMap[Participant]:
        """The others by id, in order of arrival; live. They stay after the meeting is left."""
        return self._roster.participants

    @property
    def activeSpeakerId(self) -> str | None:
        """Who speaks, this program included; None in silence."""
        return self._roster.active_speaker

    @property
    def activePresenterId(self) -> str | None:
        """Who shares a screen, this program included; None when nobody does."""
        return self._roster.active_presenter

    @property
    def pubSub(self) -> PubSub:
        """Topics with messages."""
        return self._messages.pub_sub

    # ------------------------------------------------------------ in and out

    def join(self) -> asyncio.Task[None]:
        """Enter the meeting; `meeting-joined` comes, then `participant-joined` for each other one.

        Awaiting may take as long as the service's deadlines. A camera or microphone that cannot be
        opened is told by `error`, and does not keep the program out.

        Raises:
            MeetingError: When awaited: 4002 the token is refused, 4003 there is no such room, 4022
                the token is for another one, 3056 the meeting was left meanwhile, 3047 otherwise;
                3068 it was joined before.
        """
        task = self._perform(self._join, Errors.ERROR_UNABLE_TO_JOIN_MEETING)
        self._joining = self._joining or task
        return task

    def leave(self) -> asyncio.Task[None]:
        """Go; the others stay. `meeting-left` comes. Repeating it, or leaving early, is no error.

        Takes a few seconds at most, and usually a fraction of one.
        """
        return self._work.start(self._leave(for_everyone=False), "leave meeting")

    def end(self) -> asyncio.Task[None]:
        """Go, and remove everybody else.

        Raises:
            MeetingError: When awaited: 3057, we have left but may not end it for everyone.
        """
        return self._work.start(self._leave(for_everyone=True), "end meeting")

    async def aclose(self) -> None:
        """Leave, and end all that runs for the meeting (ours); afterwards nothing is emitted."""
        await self._leave(for_everyone=False)
        await self._work.aclose()
        await self._tasks.aclose(LISTENER_GRACE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    # ------------------------------------------------------------ what this program sends

    def unmuteMic(self, customAudioTrack: MediaSource | None = None) -> asyncio.Task[None]:
        """Send sound; `stream-enabled` of `localParticipant` comes.

        Args:
            customAudioTrack: Where it comes from from now on; it stays the caller's.

        Raises:
            MeetingError: When awaited, as do all that follow: 3035 before the meeting is joined,
                3022 there is no microphone, 3058 otherwise.
        """
        return self._perform(
            lambda: self._sending().unmute(self._joined_call(), customAudioTrack),
            Errors.ERROR_MICROPHONE_PRODUCE_FAILED,
        )

    def muteMic(self) -> asyncio.Task[None]:
        """Send no sound; the publication stays, which a Twilio participant sees as disabled."""
        return self._perform(
            lambda: self._sending().mute(self._joined_call()),
            Errors.ERROR_MICROPHONE_CLOSE_PRODUCER_FAILED,
        )

    def enableWebcam(self, customVideoTrack: MediaSource | None = None) -> asyncio.Task[None]:
        """Send pictures; as `unmuteMic`, with 3021 and 3049."""
        return self._perform(
            lambda: self._sending().start_camera(self._joined_call(), customVideoTrack),
            Errors.ERROR_WEBCAM_PRODUCE_FAILED,
        )

    def disableWebcam(self) -> asyncio.Task[None]:
        """Send no pictures and let go of the camera; a Twilio participant sees it unpublished."""
        return self._perform(
            lambda: self._sending().stop_camera(self._joined_call()),
            Errors.ERROR_WEBCAM_CLOSE_PRODUCER_FAILED,
        )

    def enableScreenShare(
        self, customScreenSharingTrack: MediaSource | None = None
    ) -> asyncio.Task[None]:
        """Share a screen without its sound; as `unmuteMic`, with 3013 and 3061."""
        return self._perform(
            lambda: self._sending().start_screen(self._joined_call(), customScreenSharingTrack),
            Errors.ERROR_SCREENSHARE_PRODUCE_FAILED,
        )

    def disableScreenShare(self) -> asyncio.Task[None]:
        """Share no screen."""
        return self._perform(
            lambda: self._sending().stop_screen(self._joined_call()),
            Errors.ERROR_SCREENSHARE_PRODUCE_FAILED,
        )

    def send(
        self, payload: str | bytes, options: Mapping[str, ReliabilityMode | str] | None = None
    ) -> asyncio.Task[bool]:
        """Send a message to everybody else, who are told by `data`.

        Args:
            payload: Text or bytes; a `Blob` has no counterpart.
            options: `{"reliability": ReliabilityMode.RELIABLE}`, which is the default, or
                `UNRELIABLE` for one that may be lost.

        Returns:
            When awaited: True, it is on its way.

        Raises:
            InvalidArgumentError: Neither text nor bytes, or unknown options.
            MeetingError: When awaited: 3035 before the meeting is joined, 3070 otherwise.
        """
        if not isinstance(payload, str | bytes):
            raise InvalidArgumentError("Meeting.send takes text or bytes.")
        wanted = {"reliability": ReliabilityMode.RELIABLE, **(options or {})}
        channel = CHANNELS.get(wanted.pop("reliability"))
        if channel is None or wanted:
            raise InvalidArgumentError(f"Meeting.send has no options {options!r}.")

        async def send() -> bool:
            await self._messages.send(channel, payload)
            return True

        return self._perform(send, Errors.ERROR_SEND_FAILED)

    # ------------------------------------------------------------ inside

    def emit(self, event: str, *arguments: object) -> bool:
        """Call the listeners of an event; after `meeting-left` there is none, and False."""
        return not self._is_over and super().emit(event, *arguments)

    def _perform(self, work: Callable[[], Awaitable[_T]], code: Errors) -> asyncio.Task[_T]:
        """Do something after what was asked for before; a failure is raised and told."""
        return self._work.start(self._in_turn(work, code), f"meeting {code.name}")

    async def _in_turn(self, work: Callable[[], Awaitable[_T]], code: Errors) -> _T:
        try:
            async with self._turn:
                return await work()
        except CallingError as error:
            failure = meeting_error(error, code)
            if not self.emit(MeetingEvent.ERROR, failure):
                _log.warning("%s", failure)  # Who does not await the task would never know.
            raise failure from error

    def _joined_call(self) -> Call:
        if self._core is None or self._core.state is not CallState.CONNECTED:
            raise MeetingError(
                "The meeting is not joined.",
                code=Errors.ERROR_ACTION_PERFORMED_BEFORE_MEETING_JOINED,
                next_step="Wait for meeting-joined, or await Meeting.join.",
            )
        return self._core

    def _sending(self) -> LocalMedia:
        self._joined_call()
        assert self._media is not None
        return self._media

    async def _join(self) -> None:
        if self._state is not None:
            raise MeetingError(
                "The meeting was joined before.",
                code=Errors.ERROR_ACTION_NOT_SUPPORTED,
                next_step="Make another one with initMeeting.",
            )
        self._enter(MeetingState.CONNECTING)
        try:
            async with AsyncExitStack() as stack:
                call = await self._connect(stack)
                self._stack = stack.pop_all()
        except asyncio.CancelledError:
            if self._state is MeetingState.CONNECTING:  # Whoever waits was cancelled.
                self._enter(MeetingState.FAILED)
                raise
            raise MeetingError(
                "The meeting was left while it was joined.", code=Errors.ERROR_OPERATION_ABORTED
            ) from None
        except CallingError:
            self._enter(MeetingState.FAILED)
            raise
        self._connected(call)

    async def _connect(self, stack: AsyncExitStack) -> Call:
        """Join the call; `stack` then knows how to leave it."""
        url = self._settings.service_url
        options = CallClientOptions() if url is None else CallClientOptions(service_url=url)
        client = await stack.enter_async_context(CallClient(options))
        credential = AzureCommunicationTokenCredential(self._token)
        stack.callback(credential.dispose)
        agent = await client.create_call_agent(
            credential, CallAgentOptions(display_name=self._settings.name)
        )
        self._media = media = LocalMedia(
            await client.get_device_manager(), self._settings.microphone, self._settings.camera
        )
        stack.push_async_callback(media.aclose)
        call = agent.join(RoomCallLocator(self.id), await self._join_options(media))
        stack.push_async_callback(call.hang_up)
        return await call.connected()

    async def _join_options(self, media: LocalMedia) -> JoinCallOptions:
        """Join with the microphone and the camera that are wanted and can be opened."""
        sounds, videos = [], []
        try:
            if self._settings.mic_enabled:
                sounds.append(await media.open_microphone())
        except CallingError as error:
            self.emit(
                MeetingEvent.ERROR, meeting_error(error, Errors.ERROR_MICROPHONE_PRODUCE_FAILED)
            )
        try:
            if self._settings.webcam_enabled:
                videos.append(await media.open_camera())
        except CallingError as error:
            self.emit(MeetingEvent.ERROR, meeting_error(error, Errors.ERROR_WEBCAM_PRODUCE_FAILED))
        return JoinCallOptions(
            VideoOptions(tuple(videos)), AudioOptions(False, tuple(sounds)), streams=()
        )

    def _connected(self, call: Call) -> None:
        self._core = call
        call.on(CallEvent.STATE_CHANGED, self._call_changed)
        reconnection = call.feature(Features.RECONNECTION)
        reconnection.on(
            ReconnectionEvent.RECONNECTING, lambda *_: self._enter(MeetingState.RECONNECTING)
        )
        reconnection.on(ReconnectionEvent.RECONNECTED, lambda: self._enter(MeetingState.CONNECTED))
        self._roster.follow(call)
        self._messages.follow(call)
        self._enter(MeetingState.CONNECTED)
        self.emit(MeetingEvent.MEETING_JOINED)
        self._roster.announce()
        self._call_changed()  # It may have ended before anybody listened.

    def _enter(self, state: MeetingState) -> None:
        self._state = state
        self.emit(MeetingEvent.MEETING_STATE_CHANGED, StateChange(state))

    def _call_changed(self) -> None:
        call = self._core
        if call is None or call.state is not CallState.DISCONNECTED or self._is_over:
            return
        self._roster.end()
        self._enter(MeetingState.DISCONNECTED)
        reason = call.call_end_reason
        self.emit(MeetingEvent.MEETING_LEFT, reason_of(reason or CallEndReason()))
        self._is_over = True
        self._work.start(self._release(), "release meeting")

    async def _leave(self, *, for_everyone: bool) -> None:
        joining, call = self._joining, self._core
        if call is None:
            if self._state is MeetingState.CONNECTING:
                self._enter(MeetingState.DISCONNECTED)
            if joining is not None:
                joining.cancel()
                await asyncio.wait({joining})
            return
        try:
            await call.hang_up(HangUpOptions(for_everyone=for_everyone))
        except CallingError as error:
            raise meeting_error(error, Errors.ERROR_END_MEETING_FAILED) from error
        finally:
            await self._released.wait()

    async def _release(self) -> None:
        try:
            await self._stack.aclose()
        finally:
            # First, so that a listener which waits for it goes on.
            self._released.set()
            await self._tasks.aclose(LISTENER_GRACE)

    changeMode = not_provided("Meeting.changeMode", "Send nothing to be a viewer.")
    respondEntry = not_provided("Meeting.respondEntry", "Use Call.lobby of acs_core.")
    startTranscription = not_provided("Meeting.startTranscription", _CAPTIONS)
    stopTranscription = not_provided("Meeting.stopTranscription", _CAPTIONS)
    startRecording = not_provided("Meeting.startRecording", _RECORD)
    stopRecording = not_provided("Meeting.stopRecording", _RECORD)
    startLivestream = not_provided("Meeting.startLivestream", _STREAMING)
    stopLivestream = not_provided("Meeting.stopLivestream", _STREAMING)
    startHls = not_provided("Meeting.startHls", _STREAMING)
    stopHls = not_provided("Meeting.stopHls", _STREAMING)
    getMics = not_provided("Meeting.getMics", _DEVICES)
    getWebcams = not_provided("Meeting.getWebcams", _DEVICES)
    changeMic = not_provided("Meeting.changeMic", "Give the source to Meeting.unmuteMic.")
    changeWebcam = not_provided("Meeting.changeWebcam", "Give the source to Meeting.enableWebcam.")
    replaceWebcamStream = not_provided(
        "Meeting.replaceWebcamStream", "Give the source to Meeting.enableWebcam."
    )
    setWebcamQuality = not_provided("Meeting.setWebcamQuality", "Use Call.set_constraints.")
    enableAdaptiveSubscription = not_provided("Meeting.enableAdaptiveSubscription", _BUDGET)
    disableAdaptiveSubscription = not_provided("Meeting.disableAdaptiveSubscription", _BUDGET)
    pauseAllStreams = not_provided("Meeting.pauseAllStreams", _ALL)
    resumeAllStreams = not_provided("Meeting.resumeAllStreams", _ALL)
    switchTo = not_provided("Meeting.switchTo", _ONE_ROOM)
    requestMediaRelay = not_provided("Meeting.requestMediaRelay", _ONE_ROOM)
    stopMediaRelay = not_provided("Meeting.stopMediaRelay", _ONE_ROOM)
    startWhiteboard = not_provided("Meeting.startWhiteboard", _BOARD)
    stopWhiteboard = not_provided("Meeting.stopWhiteboard", _BOARD)
    uploadBase64File = not_provided("Meeting.uploadBase64File", _FILES)
    fetchBase64File = not_provided("Meeting.fetchBase64File", _FILES)
