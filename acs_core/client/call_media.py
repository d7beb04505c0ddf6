"""What a call is made of, whatever its kind: its features, what it sends, what it hears.

`call.py` adds the life of the call and the people in it.

Source: `CallCommon` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from acs_core.client.constraints import CallConstraints
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import CallContext, CallFeature, FeatureKey, News
from acs_core.client.features.keys import ALL_FEATURES
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.local_media import LocalMedia
from acs_core.client.mixing import RemoteAudioStream
from acs_core.client.participants import audio_of
from acs_core.client.setup import CallSetup
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.errors import InvalidArgumentError
from acs_core.events import CallEvent
from acs_core.models import MediaStreamType

__all__ = ["CallMedia"]

_Feature = TypeVar("_Feature", bound=CallFeature)


class CallMedia(Emitter):
    """The features and streams of one call."""

    def __init__(self, setup: CallSetup, publish_news: Callable[[News], None]) -> None:
        super().__init__(TaskOwner(setup.logger))
        self._setup = setup
        self._work = TaskOwner(setup.logger)
        self._context = CallContext(
            endpoint_id=setup.endpoint_id,
            listeners=self._owner,
            work=self._work,
            publish_news=publish_news,
            ask_service=setup.link.ask,
            transfer_to=lambda requested: setup.follow(requested, self._media.carried_over()),
            limits=setup.limits,
        )
        self._features: dict[type[CallFeature], CallFeature] = {
            key.kind: key.kind(self._context) for key in ALL_FEATURES
        }
        self._streams = self._feature(StreamsFeature)
        self._media = LocalMedia(self._context, self._streams, self._emit, setup)
        self._is_incoming_audio_muted = False
        self._remote_audio = RemoteAudioStream(
            lambda: audio_of(self._streams.endpoints),
            lambda: self._is_incoming_audio_muted,
            self._work,
        )

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
    def remote_audio_streams(self) -> tuple[RemoteAudioStream, ...]:
        """One stream with the sound of everybody else, mixed."""
        return (self._remote_audio,)

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
        self._media.set_constraints(constraints)

    # ------------------------------------------------------------ inside

    def _set_incoming_audio_muted(self, is_muted: bool) -> None:
        if is_muted is not self._is_incoming_audio_muted:
            self._is_incoming_audio_muted = is_muted
            self._emit(CallEvent.IS_INCOMING_AUDIO_MUTED_CHANGED)

    def _feature(self, kind: type[_Feature]) -> _Feature:
        feature = self._features[kind]
        assert isinstance(feature, kind)
        return feature
