"""What we send in a call, by ACS's rules: a microphone, a camera, a screen.

Theory of operation. Each of the three is a `LocalSlot` that holds at most one stream of the
application and, while the call is connected, its publication. `Call` delegates to `LocalMedia`,
which checks the limits (`CallLimits`), publishes through `Features.STREAMS`, and tells what
changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from acs_core.client.constraints import (
    CallConstraints,
    VideoConstraints,
    check,
    constrained,
    merged,
)
from acs_core.client.features.base import CallContext, News, Observed, RosterChanged
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.local_slot import LocalSlot
from acs_core.client.options import AudioOptions, JoinCallOptions, StreamOptions, VideoOptions
from acs_core.client.ports import NewStream, SendOptions
from acs_core.client.publications import LocalPublication, opened
from acs_core.client.setup import CallSetup
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.core.consent import CONSENT_SUB_CODES
from acs_core.core.facts import PublicationKind
from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    ServiceError,
)
from acs_core.events import CallEvent, CollectionUpdate, StreamsEvent
from acs_core.models import MediaStreamType

__all__ = ["LocalMedia"]

Tell = Callable[..., None]
"""Emits an event of the call: the name, then its arguments."""


class LocalMedia:
    """The microphone, the camera and the screen that a call sends."""

    def __init__(
        self,
        context: CallContext,
        streams: StreamsFeature,
        tell: Tell,
        setup: CallSetup,
    ) -> None:
        self._context = context
        self._streams = streams
        self._tell = tell
        self._setup = setup
        self._slots: dict[MediaStreamType, LocalSlot] = {}
        self._extra: tuple[StreamOptions, ...] = ()
        self._own_sounds: list[LocalAudioStream] = []
        self._planned: list[tuple[MediaStreamType, LocalSlot]] = []
        self._is_muted = False
        self._is_over = False
        self._is_waiting = False
        self._constraints: VideoConstraints | None = None
        self._lock = asyncio.Lock()
        streams.on(StreamsEvent.LOCAL_PUBLICATION_FAILED, self._withdrawn)

    # ------------------------------------------------------------ state

    @property
    def is_muted(self) -> bool:
        """Whether the microphone is muted; also without one."""
        return self._is_muted

    @property
    def video_streams(self) -> tuple[LocalVideoStream, ...]:
        """Camera and screen, in the order of starting."""
        streams = (slot.stream for slot in self._slots.values())
        return tuple(item for item in streams if isinstance(item, LocalVideoStream))

    @property
    def audio_streams(self) -> tuple[LocalAudioStream, ...]:
        """The microphone, if there is one."""
        streams = (slot.stream for slot in self._slots.values())
        return tuple(item for item in streams if isinstance(item, LocalAudioStream))

    def is_on(self, kind: MediaStreamType) -> bool:
        """Whether a camera, a screen or a microphone is in the call."""
        return kind in self._slots

    # ------------------------------------------------------------ joining

    def plan(self, options: JoinCallOptions) -> None:
        """Take what the call shall start with.

        Raises:
            InvalidArgumentError: 400/41044, 400/41046: more than one camera or microphone;
                400/41045, 400/41047: something that is no local stream; 500/41069: constraints
                that nothing could keep.
        """
        videos = options.video_options.local_video_streams if options.video_options else ()
        audio = options.audio_options
        sounds = audio.local_audio_streams if audio else ()
        if len(videos) > self._setup.limits.outgoing_video:
            raise InvalidArgumentError("A call sends one camera only.", sub_code=41044)
        if len(sounds) > 1:
            raise InvalidArgumentError("A call sends one microphone only.", sub_code=41046)
        if any(not isinstance(item, LocalVideoStream) for item in videos):
            raise InvalidArgumentError("Video options take LocalVideoStreams.", sub_code=41045)
        if any(not isinstance(item, LocalAudioStream) for item in sounds):
            raise InvalidArgumentError("Audio options take LocalAudioStreams.", sub_code=41047)
        if options.video_options is not None:
            check(options.video_options.constraints, 41069)
            self._constraints = options.video_options.constraints
        self._is_muted = audio is not None and audio.muted
        self._extra = options.streams or ()
        if options.streams is None and not sounds:
            sounds = self._default_sound()
        for sound in sounds:
            self._put(MediaStreamType.AUDIO, sound)
        for video in videos:
            self._put(MediaStreamType.VIDEO, video)

    def carried_over(self) -> JoinCallOptions:
        """What another call would send in the place of this one, and within which constraints."""
        camera = self._slots.get(MediaStreamType.VIDEO)
        videos = () if camera is None else (camera.stream,)
        streams = tuple(item for item in videos if isinstance(item, LocalVideoStream))
        # Our own microphone ends with this call; the other one finds its own.
        sounds = tuple(item for item in self.audio_streams if item not in self._own_sounds)
        return JoinCallOptions(
            VideoOptions(streams, self._constraints),
            AudioOptions(self._is_muted, sounds),
            streams=None if self.audio_streams else (),
        )

    async def prepare(self, holder: AsyncExitStack) -> list[NewStream]:
        """What to join with; devices that cannot be opened are left out and reported.

        Args:
            holder: Holds the sources of `JoinCallOptions.streams` open until senders read them.

        Raises:
            SourceUnavailableError: One of those sources cannot be opened.
        """
        for kind, slot in list(self._slots.items()):
            try:
                await slot.stream.start(self._setup.limits.device_start)
            except MediaError as error:
                slot.source_failed(error)
                self._drop(kind, slot)
            else:
                slot.started()
        for item in self._extra:
            await holder.enter_async_context(opened(item.source))
        extra = [_extra_stream(item) for item in self._extra]
        self._planned = list(self._slots.items())
        return [*(slot.new_stream() for _, slot in self._planned), *extra]

    def joined(self, publications: Sequence[LocalPublication]) -> None:
        """The call is connected; `publications` belong to what `prepare` gave, in its order."""
        for (kind, slot), publication in zip(self._planned, publications, strict=False):
            if self._slots.get(kind) is slot:
                slot.publication = publication
                slot.limit(slot.encoding)  # It may have changed while the call was connecting.
                self._settle(slot)
            else:
                self._withdraw(publication)  # It was stopped while the call was connecting.
        self._follow_consent()
        sound = self._slots.get(MediaStreamType.AUDIO)
        if sound is not None and sound.publication is not None:
            self._settle_sound(sound, sound.publication)
        if self.audio_streams:
            self._tell(CallEvent.LOCAL_AUDIO_STREAMS_UPDATED, CollectionUpdate(self.audio_streams))
        if self.video_streams:
            self._tell_video(CollectionUpdate(self.video_streams), MediaStreamType.VIDEO)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if not isinstance(news, RosterChanged):
            return
        before = self._slots.copy()
        self._follow_consent()
        for kind in [kind for kind in before if kind not in self._slots]:
            self._tell_video(CollectionUpdate((), (before[kind].stream,)), kind)

    # ------------------------------------------------------------ microphone

    async def set_muted(self, is_muted: bool) -> None:
        """Mute or unmute; before there is a microphone it holds for the one to come.

        Raises:
            ServiceError: 403/41106: we may not unmute; we are still muted.
        """
        if is_muted is self._is_muted:
            return
        if not is_muted:
            self._context.check_consent(PublicationKind.AUDIO)
        self._is_muted = is_muted
        self._tell(CallEvent.IS_MUTED_CHANGED)
        slot = self._slots.get(MediaStreamType.AUDIO)
        if slot is not None and slot.publication is not None:
            try:
                await slot.publication.enable(not is_muted)
            except ServiceError:
                self.muted_by_others()
                raise
        elif slot is None and not is_muted and self._context.is_joined:
            for sound in self._default_sound():
                await self.start_audio(sound)

    def muted_by_others(self) -> None:
        """Somebody else muted all our sound; the service forwards nothing of it already."""
        has_changed, self._is_muted = not self._is_muted, True
        for publication in self._streams.local_publications:
            if publication.kind is PublicationKind.AUDIO:
                publication.set_enabled(False)
        if has_changed:
            self._tell(CallEvent.IS_MUTED_CHANGED)

    async def start_audio(self, stream: LocalAudioStream) -> None:
        """Send a microphone, muted or not as the call is."""
        if not isinstance(stream, LocalAudioStream):
            raise InvalidArgumentError("start_audio takes a LocalAudioStream.", sub_code=41047)
        async with self._lock:
            if self.is_on(MediaStreamType.AUDIO):
                raise InvalidArgumentError("A microphone is on already.", sub_code=41046)
            if not self._is_muted:
                self._context.check_consent(PublicationKind.AUDIO)
            await self._start(MediaStreamType.AUDIO, stream)
        self._tell(CallEvent.LOCAL_AUDIO_STREAMS_UPDATED, CollectionUpdate((stream,)))

    async def stop_audio(self) -> None:
        """Send no microphone; without one nothing happens."""
        async with self._lock:
            slot = await self._stop(MediaStreamType.AUDIO)
        if slot is not None:
            self._tell(CallEvent.LOCAL_AUDIO_STREAMS_UPDATED, CollectionUpdate((), (slot.stream,)))

    # ------------------------------------------------------------ camera and screen

    def set_constraints(self, constraints: CallConstraints) -> None:
        """Limit what the camera sends, now and later."""
        if self._is_over:
            raise InvalidStateError("The call is over.", code=500, sub_code=41067)
        if not isinstance(constraints, CallConstraints):
            raise InvalidArgumentError(
                "set_constraints takes CallConstraints.", code=500, sub_code=41070
            )
        check(constraints.video, 41066 if self._context.is_joined else 41065)
        self._constraints = merged(self._constraints, constraints.video)
        camera = self._slots.get(MediaStreamType.VIDEO)
        if camera is not None:
            camera.limit(self._encoding(MediaStreamType.VIDEO))

    async def start_video(self, stream: LocalVideoStream) -> None:
        """Send a camera."""
        if not isinstance(stream, LocalVideoStream):
            raise InvalidArgumentError("start_video takes a LocalVideoStream.", sub_code=41026)
        async with self._lock:
            slot = self._slots.get(MediaStreamType.VIDEO)
            if slot is not None and slot.stream is stream:
                raise InvalidArgumentError("This video is on already.", sub_code=41027)
            if slot is not None:
                raise InvalidArgumentError("Another video is on already.", sub_code=41044)
            self._context.check_consent(PublicationKind.VIDEO)
            await self._start(MediaStreamType.VIDEO, stream)
        self._tell_video(CollectionUpdate((stream,)), MediaStreamType.VIDEO)

    async def stop_video(self, stream: LocalVideoStream) -> None:
        """Send no camera."""
        async with self._lock:
            slot = self._slots.get(MediaStreamType.VIDEO)
            if slot is None:
                raise InvalidArgumentError("No video is on.", sub_code=41030)
            if slot.stream is not stream:
                raise InvalidArgumentError("Another video is on.", sub_code=41032)
            await self._stop(MediaStreamType.VIDEO)
        self._tell_video(CollectionUpdate((), (stream,)), MediaStreamType.VIDEO)

    async def start_screen(self, stream: LocalVideoStream | None) -> None:
        """Send a screen, by default the first one."""
        if stream is not None and not isinstance(stream, LocalVideoStream):
            raise InvalidArgumentError("A screen is a LocalVideoStream.", sub_code=41036)
        async with self._lock:
            if self.is_on(MediaStreamType.SCREEN_SHARING):
                raise InvalidArgumentError("The screen is shared already.", sub_code=41035)
            self._check_joined(41071)
            self._context.check_consent(PublicationKind.SCREEN)
            stream = stream or LocalVideoStream(await self._setup.screen())
            stream.share_as_screen()
            await self._start(MediaStreamType.SCREEN_SHARING, stream)
        self._tell_video(CollectionUpdate((stream,)), MediaStreamType.SCREEN_SHARING)

    async def stop_screen(self) -> None:
        """Send no screen."""
        async with self._lock:
            slot = await self._stop(MediaStreamType.SCREEN_SHARING)
        if slot is None:
            raise InvalidArgumentError("The screen is not shared.", sub_code=41041)
        self._tell_video(CollectionUpdate((), (slot.stream,)), MediaStreamType.SCREEN_SHARING)

    def end(self) -> None:
        """The call is over: nothing is sent; the application's streams go on, ours do not."""
        self._is_over = True
        for slot in self._slots.values():
            slot.release()
            # A call that is transferred hands its streams on before it ends.
            if slot.stream.auto_dispose_on_call_end and not slot.stream.is_in_use:
                self._context.listeners.spawn(slot.stream.dispose(), "dispose stream")
        for sound in self._own_sounds:
            self._context.listeners.spawn(sound.dispose(), "dispose microphone")
        self._own_sounds.clear()

    # ------------------------------------------------------------ inside

    def _default_sound(self) -> tuple[LocalAudioStream, ...]:
        device = self._setup.microphone()
        if device is None:
            return ()
        sound = LocalAudioStream(device)
        self._own_sounds.append(sound)
        return (sound,)

    def _put(self, kind: MediaStreamType, stream: LocalVideoStream | LocalAudioStream) -> LocalSlot:
        slot = LocalSlot(
            stream,
            kind,
            lambda flag, value: self._context.publish_news(Observed(flag, value)),
            enabled=kind is not MediaStreamType.AUDIO or not self._is_muted,
            encoding=self._encoding(kind),
        )
        self._slots[kind] = slot
        stream.use(slot)
        return slot

    def _follow_consent(self) -> None:
        """Once the call is recorded: muted, without camera and screen, until we agree to that.

        The service has disabled it all; who agrees starts again what they want to send.
        """
        was_missing, self._is_waiting = self._is_waiting, self._context.is_consent_missing
        if was_missing or not self._is_waiting:
            return
        for publication in self._streams.local_publications:
            if publication.kind in CONSENT_SUB_CODES:
                publication.set_enabled(False)
        if not self._is_muted:
            self._is_muted = True
            self._tell(CallEvent.IS_MUTED_CHANGED)
        for kind in (MediaStreamType.VIDEO, MediaStreamType.SCREEN_SHARING):
            slot = self._slots.get(kind)
            if slot is not None:
                self._drop(kind, slot)
                if slot.publication is not None:
                    self._withdraw(slot.publication)

    def _encoding(self, kind: MediaStreamType) -> SendOptions:
        is_camera = kind is MediaStreamType.VIDEO
        return constrained(SendOptions(), self._constraints if is_camera else None)

    def _check_joined(self, sub_code: int = 0) -> None:
        if not self._context.is_joined:
            raise InvalidStateError(
                "The call is not connected.",
                sub_code=sub_code,
                next_step="Wait until its state is Connected.",
            )

    async def _start(
        self, kind: MediaStreamType, stream: LocalVideoStream | LocalAudioStream
    ) -> None:
        self._check_joined()
        slot = self._put(kind, stream)
        try:
            await stream.start(self._setup.limits.device_start)
            slot.publication = await self._streams.publish_stream(slot.new_stream())
        except BaseException as error:
            self._slots.pop(kind, None)
            slot.release()
            if isinstance(error, MediaError):
                slot.source_failed(error)
            raise
        slot.started()
        self._settle(slot)
        if kind is MediaStreamType.AUDIO:
            self._settle_sound(slot, slot.publication)

    async def _stop(self, kind: MediaStreamType) -> LocalSlot | None:
        slot = self._slots.pop(kind, None)
        if slot is None:
            return None
        slot.release()
        if slot.publication is not None and self._context.is_joined:
            try:
                await self._streams.unpublish(slot.publication)
            except CallingError:
                self._slots[kind] = slot
                if not slot.stream.is_disposed:
                    slot.stream.use(slot)
                    self._follow_stream(slot)
                raise
        return slot

    def _settle(self, slot: LocalSlot) -> None:
        """A stream is published; its source may have been switched meanwhile."""
        self._context.work.spawn(slot.settle(), "send the source of a stream")

    def _follow_stream(self, slot: LocalSlot) -> None:
        """A stream is in use again; its source may have been switched meanwhile."""
        source = slot.stream.media_source
        self._context.work.spawn(slot.replace_source(source), "send the source of a stream")

    def _settle_sound(self, slot: LocalSlot, publication: LocalPublication) -> None:
        """A microphone is published; it may have been muted or unmuted, or silenced, meanwhile."""
        if slot.is_refused:
            self.muted_by_others()
        else:
            publication.set_enabled(not self._is_muted)

    def _drop(self, kind: MediaStreamType, slot: LocalSlot) -> None:
        if self._slots.get(kind) is slot:
            del self._slots[kind]
        slot.release()

    def _withdraw(self, publication: LocalPublication) -> None:
        self._context.enqueue(lambda: self._streams.unpublish(publication), "withdraw stream")

    def _withdrawn(self, publication: LocalPublication, _: CallingError) -> None:
        """Drop a stream that others ended; one that only failed is still published."""
        if publication in self._streams.local_publications:
            return
        for kind, slot in list(self._slots.items()):
            if slot.publication is not publication:
                continue
            self._drop(kind, slot)
            update = CollectionUpdate((), (slot.stream,))
            if kind is MediaStreamType.AUDIO:
                self._tell(CallEvent.LOCAL_AUDIO_STREAMS_UPDATED, update)
            else:
                self._tell_video(update, kind)

    def _tell_video(
        self,
        update: CollectionUpdate[LocalVideoStream | LocalAudioStream],
        kind: MediaStreamType,
    ) -> None:
        self._tell(CallEvent.LOCAL_VIDEO_STREAMS_UPDATED, update)
        if kind is MediaStreamType.VIDEO:
            self._tell(CallEvent.IS_LOCAL_VIDEO_STARTED_CHANGED)
        else:
            self._tell(CallEvent.IS_SCREEN_SHARING_ON_CHANGED)


def _extra_stream(options: StreamOptions) -> NewStream:
    kind = PublicationKind.DATA
    if options.source is not None:
        kind = PublicationKind(options.source.kind)
        if options.screen and kind is PublicationKind.VIDEO:
            kind = PublicationKind.SCREEN
    return NewStream(
        kind=kind,
        source=options.source,
        name=options.name,
        enabled=options.enabled,
        priority=options.priority,
        encoding=options.encoding,
        reliability=options.reliability,
    )
