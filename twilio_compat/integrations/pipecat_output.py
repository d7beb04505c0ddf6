"""From the pipeline into the room: the bot's voice, its picture, its messages."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from PIL import Image
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputImageRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_output import BaseOutputTransport

from acs_core.errors import CallingError
from acs_core.media.frames import Picture
from twilio_compat.errors import TwilioError
from twilio_compat.integrations.pipecat_room import RoomSession, TwilioCompatParams
from twilio_compat.integrations.voice import pcm_samples

__all__ = ["RoomOutput"]

_log = logging.getLogger(__name__)


class RoomOutput(BaseOutputTransport):
    """The last processor of a pipeline; made by `TwilioCompatTransport.output`."""

    def __init__(
        self,
        transport: Any,
        session: RoomSession,
        params: TwilioCompatParams,
        name: str | None,
    ) -> None:
        super().__init__(params, name=name)
        self._transport = transport
        self._session = session
        self._refused_formats: set[str | None] = set()

    async def start(self, frame: StartFrame) -> None:
        """Enter the room and be ready to speak."""
        await super().start(frame)
        try:
            await self._session.enter(self)
        except (TwilioError, CallingError) as error:
            await self.push_error(f"The room cannot be entered: {error}", exception=error)
            return
        await self.set_transport_ready(frame)

    async def stop(self, frame: EndFrame) -> None:
        """Play what is queued to its end, then leave."""
        await super().stop(frame)
        for voice in self._session.voices.values():
            await voice.drain()
        await self._session.leave(self)

    async def cancel(self, frame: CancelFrame) -> None:
        """Leave at once."""
        await super().cancel(frame)
        await self._session.leave(self)

    async def cleanup(self) -> None:
        """Let go of everything."""
        await super().cleanup()
        await self._session.leave(self)
        await self._transport.cleanup()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Fall silent at an interruption; all else is the base's."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            # After the base, which emptied the queue before the tracks.
            for voice in self._session.voices.values():
                voice.interrupt()

    async def register_audio_destination(self, destination: str) -> None:
        """Publish one more audio track of that name."""
        await self._session.add_voice(destination)

    async def register_video_destination(self, destination: str) -> None:
        """Publish one more video track of that name."""
        await self._session.add_picture(destination)

    async def send_message(
        self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame
    ) -> None:
        """Send a message to everybody in the room."""
        self._session.send(frame.message)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Play sound; takes as long as the sound does."""
        voice = self._session.voices.get(frame.transport_destination)
        if voice is None:
            return False
        return await voice.play(
            pcm_samples(frame.audio, frame.num_channels),
            sample_rate=frame.sample_rate,
            is_interruptible=frame.interruptible,
        )

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        """Show a picture; False when nobody takes it, or its format is none of Pillow's."""
        track = self._session.pictures.get(frame.transport_destination)
        picture = None if track is None else self._picture(frame)
        if track is None or picture is None:
            return False
        return track.write(picture)

    def _picture(self, frame: OutputImageRawFrame) -> Picture | None:
        width, height = frame.size
        if frame.format == "RGB":
            flat = np.frombuffer(frame.image, dtype=np.uint8)
            return flat.reshape(height, width, 3)
        try:
            image = Image.frombytes(frame.format or "", frame.size, frame.image)
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
        except ValueError as error:
            if frame.format not in self._refused_formats:
                self._refused_formats.add(frame.format)
                _log.warning("Pictures of format %r are not sent: %s", frame.format, error)
            return None
