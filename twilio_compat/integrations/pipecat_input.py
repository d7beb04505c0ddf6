"""From the room into the pipeline: sound, pictures, messages.

Theory of operation. One task per track that is read, owned by Pipecat's task manager: it reads
frames, brings them to Pipecat's form and pushes them. Mixed sound is one task for all. Nothing is
read before the pipeline has started, and what is not wanted is not decoded.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, Final

from pipecat.frames.frames import (
    CancelFrame,
    CancelWorkerFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    StartFrame,
    UserAudioRawFrame,
    UserImageRawFrame,
    UserImageRequestFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport

from acs_core.client.mixing import RemoteAudio
from acs_core.core.facts import PublicationKind
from acs_core.errors import CallingError
from acs_core.media.frames import VideoFrame
from twilio_compat.errors import TwilioError
from twilio_compat.integrations.pictures import PictureGate
from twilio_compat.integrations.pipecat_room import RoomSession, TwilioCompatParams
from twilio_compat.integrations.voice import PcmConverter
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteAudioTrack, RemoteTrack, RemoteVideoTrack

__all__ = ["CAMERA", "SCREEN", "RoomInput"]

CAMERA: Final = "camera"
SCREEN: Final = "screenVideo"
"""Pipecat's words for the two kinds of video."""


class RoomInput(BaseInputTransport):
    """The first processor of a pipeline; made by `TwilioCompatTransport.input`."""

    def __init__(
        self,
        transport: Any,
        session: RoomSession,
        params: TwilioCompatParams,
        name: str | None,
    ) -> None:
        super().__init__(params, name=name)
        self._room_params = params
        self._transport = transport
        self._session = session
        self._is_ready = False
        self._has_sound = params.audio_in_stream_on_start
        self._mixing: asyncio.Task[None] | None = None
        self._reading: dict[RemoteTrack, asyncio.Task[None]] = {}
        self._gates: dict[tuple[str, str], PictureGate[UserImageRequestFrame]] = {}

    async def start(self, frame: StartFrame) -> None:
        """Enter the room and pass on what is there."""
        await super().start(frame)
        try:
            await self._session.enter(self)
        except (TwilioError, CallingError) as error:
            await self.push_error(f"The room cannot be entered: {error}", exception=error)
            # A bot that is in no room has nothing to do.
            await self.push_frame(CancelWorkerFrame(reason=str(error)))
            return
        await self.set_transport_ready(frame)
        self._is_ready = True
        for track, participant in self._session.remote_tracks():
            await self.read(track, participant)
        self._mix()

    async def stop(self, frame: EndFrame) -> None:
        """Pass on nothing more; the room is left when the output is done."""
        await super().stop(frame)
        await self._end()

    async def cancel(self, frame: CancelFrame) -> None:
        """As `stop`."""
        await super().cancel(frame)
        await self._end()

    async def cleanup(self) -> None:
        """Let go of everything."""
        await super().cleanup()
        await self._end()
        await self._transport.cleanup()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer requests for pictures; all else is the base's."""
        await super().process_frame(frame, direction)
        if isinstance(frame, UserImageRequestFrame):
            await self._ask(frame)

    async def pass_on(self, message: dict[str, Any]) -> None:
        """Push an application's message both ways, so that every processor sees it."""
        await self.broadcast_frame(InputTransportMessageFrame, message=message)

    async def read(self, track: RemoteTrack, participant: RemoteParticipant) -> None:
        """Pass on a track's frames, if they are wanted; before the start nothing is."""
        if not self._is_ready or track in self._reading:
            return
        user = participant.identity
        if isinstance(track, RemoteAudioTrack):
            if self._hears and self._room_params.audio_in_user_tracks:
                self._reading[track] = self.create_task(self._read_sound(track, user))
        elif isinstance(track, RemoteVideoTrack) and self._params.video_in_enabled:
            source = _source_of(track)
            gate = self._gates.get((user, source))
            if gate is None:
                self._gates[user, source] = gate = PictureGate(self._rate_of(source))
            self._reading[track] = self.create_task(self._read_pictures(track, user, gate))

    async def forget(self, track: RemoteTrack) -> None:
        """Stop passing on a track's frames."""
        task = self._reading.pop(track, None)
        if task is not None:
            await self.cancel_task(task)

    async def capture(self, user: str, source: str, rate: int | None) -> None:
        """Pass on a participant's pictures at another rate, now and when they come."""
        gate = self._gates.get((user, source))
        if gate is None:
            self._gates[user, source] = PictureGate(rate)
        else:
            gate.rate = rate

    @property
    def _hears(self) -> bool:
        return bool(self._params.audio_in_enabled) and self._has_sound

    def _supports_video_in_source(self, video_source: str) -> bool:
        return video_source in (CAMERA, SCREEN)

    async def _start_audio_in_streaming(self) -> None:
        """The pipeline wants sound, which it did not at its start."""
        self._has_sound = True
        if self._is_ready:
            for track, participant in self._session.remote_tracks():
                await self.read(track, participant)
            self._mix()

    def _mix(self) -> None:
        if self._hears and not self._room_params.audio_in_user_tracks and self._mixing is None:
            self._mixing = self.create_task(self._read_mixed())

    def _rate_of(self, source: str) -> float | None:
        configured = self._params.video_in_sources
        if not configured:
            return None
        if source not in configured:
            return 0
        chosen = configured[source]
        return 0 if chosen.on_request_only else float(chosen.framerate)

    async def _read_mixed(self) -> None:
        converter = PcmConverter(self.sample_rate, self._params.audio_in_channels)
        async with aclosing(RemoteAudio(self._audio_publications)) as sound:
            async for frame in sound:
                audio = converter.convert(frame)
                if audio:
                    await self.push_audio_frame(InputAudioRawFrame(*self._pcm(audio)))

    def _audio_publications(self) -> list[Any]:
        return [
            track.media_stream_track
            for track, _ in self._session.remote_tracks()
            if isinstance(track, RemoteAudioTrack)
        ]

    async def _read_sound(self, track: RemoteAudioTrack, user: str) -> None:
        converter = PcmConverter(self.sample_rate, self._params.audio_in_channels)
        async with aclosing(track.frames()) as frames:
            async for frame in frames:
                audio = converter.convert(frame)
                if audio:
                    spoken = UserAudioRawFrame(*self._pcm(audio), user_id=user)
                    await self.push_audio_frame(spoken)

    def _pcm(self, audio: bytes) -> tuple[bytes, int, int]:
        return audio, self.sample_rate, self._params.audio_in_channels

    async def _read_pictures(
        self, track: RemoteVideoTrack, user: str, gate: PictureGate[UserImageRequestFrame]
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            while track.media_stream_track.is_subscribed:
                await gate.needed()
                async with aclosing(track.frames()) as frames:
                    async for frame in frames:
                        is_due, request = gate.admits(loop.time())
                        if is_due:
                            picture = _image(frame, user, request)
                            picture.transport_source = _source_of(track)
                            await self.push_video_frame(picture)
                        if not gate.is_open:
                            break
        finally:
            for request in gate.withdraw():
                await _refuse(request, "The video ended before a picture came.")

    async def _ask(self, request: UserImageRequestFrame) -> None:
        source = request.video_source or CAMERA
        gate = self._gates.get((request.user_id, source))
        is_there = any(
            participant.identity == request.user_id
            and isinstance(track, RemoteVideoTrack)
            and _source_of(track) == source
            and track in self._reading
            for track, participant in self._session.remote_tracks()
        )
        if gate is None or not is_there:
            await _refuse(request, f"{request.user_id!r} shows no {source}.")
        else:
            gate.ask(request)

    async def _end(self) -> None:
        self._is_ready = False
        if self._mixing is not None:
            await self.cancel_task(self._mixing)
            self._mixing = None
        for track in tuple(self._reading):
            await self.forget(track)
        await self._session.leave(self)


def _source_of(track: RemoteVideoTrack) -> str:
    return SCREEN if track.media_stream_track.kind is PublicationKind.SCREEN else CAMERA


def _image(
    frame: VideoFrame, user: str, request: UserImageRequestFrame | None
) -> UserImageRawFrame:
    return UserImageRawFrame(
        image=frame.to_rgb().tobytes(),
        size=(frame.width, frame.height),
        format="RGB",
        user_id=user,
        text=None if request is None else request.text,
        append_to_context=None if request is None else request.append_to_context,
        request=request,
    )


async def _refuse(request: UserImageRequestFrame, why: str) -> None:
    """Answer a request that no picture will answer: a function call may wait for it."""
    if request.result_callback:
        await request.result_callback({"error": why})
