"""Records a call into a file on this computer, and says so to everybody in it (ours).

What is recorded is what one would hear and see: the others' sound, mixed, and one picture at a
time. The picture is a shared screen; without one, that of the dominant speaker; while nobody
speaks it stays, and before that it is the first one there is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import final

from acs_core.client.call import CallCommon
from acs_core.client.features.keys import Features
from acs_core.client.frame_reader import FrameReader
from acs_core.client.mixing import RemoteAudio
from acs_core.client.publications import RemotePublication
from acs_core.core.call import CallState
from acs_core.core.facts import PublicationKind
from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    Stage,
)
from acs_core.events import CallEvent, DominantSpeakersEvent, StreamsEvent
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingOptions, RecordingSummary

__all__ = ["LocalRecorder", "chosen_picture"]


@final
class LocalRecorder:
    """Records a call from `start` to `close`; use it as an async context manager, or call these.

    The others are told by `Features.LOCAL_RECORDING` before anything is written. What we send
    ourselves is not in the file, and `Call.mute_incoming_audio` silences its sound. When the call
    ends, so does the recording; `close` is still needed to make the file complete.
    """

    def __init__(
        self, call: CallCommon, path: str | Path, options: RecordingOptions | None = None
    ) -> None:
        """Prepare a recording.

        Args:
            call: A connected call.
            path: Ends in .webm or .mkv (VP8 and Opus) or .mp4 (H264 and AAC); overwritten.
            options: Tracks, size and rates.

        Raises:
            InvalidArgumentError: Another suffix, an option that is not possible, or no such folder.
        """
        self._recorder = Recorder(path, options)
        if not self._recorder.path.parent.is_dir():
            raise InvalidArgumentError(
                f"There is no folder {self._recorder.path.parent} to record to.",
                stage=Stage.ARGUMENT,
                next_step="Make it, or give another path.",
            )
        self._call = call
        self._feature = call.feature(Features.LOCAL_RECORDING)
        self._streams = call.feature(Features.STREAMS)
        self._speakers = call.feature(Features.DOMINANT_SPEAKERS)
        self._shown = _Shown()
        self._heard: _Heard | None = None
        self._is_starting = False

    @property
    def failure(self) -> MediaError | None:
        """Why nothing more is written; None while all is well. `close` raises it."""
        return self._recorder.failure

    async def start(self) -> None:
        """Tell everybody, then record.

        Raises:
            InvalidStateError: The call is not connected, or we record it already.
            CallingError: The others could not be told; nothing is recorded.
        """
        if self._feature.is_announced or self._heard is not None or self._is_starting:
            raise InvalidStateError(
                "This client records the call already.", next_step="Close the other recorder."
            )
        self._is_starting = True
        try:
            await self._feature.announce(is_recording=True)
        except BaseException:
            # Cancelled, or not answered: the others may have been told all the same.
            with contextlib.suppress(CallingError):
                await self._feature.announce(is_recording=False)
            raise
        finally:
            self._is_starting = False
        self._begin()

    async def close(self) -> RecordingSummary:
        """Finish the file in at most 15 s, and tell the others; safe to repeat.

        Raises:
            InvalidStateError: It was not started.
            MediaError: Writing failed; the file holds what was written before.
            CallingError: The others could not be told; the file is complete.
        """
        if self._heard is None:
            raise InvalidStateError(
                "The recording was not started.", next_step="Await start first."
            )
        self._listen(is_on=False)
        self._end()
        try:
            summary = await self._recorder.close()
        finally:
            await self._heard.audio.aclose()
            await self._take_back()
        return summary

    async def __aenter__(self) -> LocalRecorder:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _begin(self) -> None:
        options = self._recorder.options
        self._heard = _Heard(self._call.remote_audio_streams[0].frames())
        if options.has_audio:
            self._recorder.add_audio(self._heard, clock="sound")
        if options.has_video:
            self._recorder.add_video(self._shown, clock="pictures")
        self._listen()
        self._choose()
        self._end_with_call()

    async def _take_back(self) -> None:
        if not self._feature.is_announced:
            return
        try:
            await self._feature.announce(is_recording=False)
        except CallingError:
            if self._feature.is_announced:  # And the call did not end meanwhile.
                raise

    def _listen(self, *, is_on: bool = True) -> None:
        streams, speakers, call = self._streams, self._speakers, self._call
        for emitter, event, listener in (
            (streams, StreamsEvent.SUBSCRIBED, self._choose),
            (streams, StreamsEvent.UNSUBSCRIBED, self._choose),
            (streams, StreamsEvent.PUBLICATION_CHANGED, self._choose),
            (speakers, DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED, self._choose),
            (call, CallEvent.STATE_CHANGED, self._end_with_call),
        ):
            if is_on:
                emitter.on(event, listener)
            else:
                emitter.off(event, listener)

    def _choose(self, *_: object) -> None:
        candidates = [
            item
            for item in self._streams.publications.values()
            if item.is_subscribed
            and item.is_enabled
            and item.kind in (PublicationKind.VIDEO, PublicationKind.SCREEN)
        ]
        speaker = self._speakers.dominant_endpoint
        self._shown.show(chosen_picture(candidates, speaker, self._shown.publication))

    def _end_with_call(self) -> None:
        if self._call.state is CallState.DISCONNECTED:
            self._end()

    def _end(self) -> None:
        self._shown.end()
        if self._heard is not None:
            self._heard.is_over = True


def chosen_picture(
    candidates: Sequence[RemotePublication],
    speaker: str | None,
    shown: RemotePublication | None,
) -> RemotePublication | None:
    """The picture to show: a screen, the speaker's, the one that is shown, or any."""
    for item in candidates:
        if item.kind is PublicationKind.SCREEN:
            return item
    for item in candidates:
        if item.endpoint.id == speaker:
            return item
    return shown if shown in candidates else next(iter(candidates), None)


class _Heard(AsyncIterator[AudioFrame]):
    """Mixed sound until `is_over`; it goes on by its own clock and would never end."""

    def __init__(self, audio: RemoteAudio) -> None:
        self.audio = audio
        self.is_over = False

    async def __anext__(self) -> AudioFrame:
        if self.is_over:
            raise StopAsyncIteration
        return await self.audio.__anext__()


class _Shown(AsyncIterator[VideoFrame]):
    """The pictures of one publication after the other; their times are those of arrival."""

    def __init__(self) -> None:
        self.publication: RemotePublication | None = None
        self._reader: FrameReader | None = None
        self._changed = asyncio.Event()
        self._is_over = False

    def show(self, publication: RemotePublication | None) -> None:
        """Go on with another publication, which is subscribed; None waits for one."""
        if publication is self.publication or self._is_over:
            return
        if self._reader is not None:
            self._reader.close()
        self.publication = publication
        self._reader = None if publication is None else publication.frames()
        self._changed.set()

    def end(self) -> None:
        """No more pictures."""
        self.show(None)
        self._is_over = True
        self._changed.set()

    async def __anext__(self) -> VideoFrame:
        while not self._is_over:
            reader = self._reader
            if reader is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                frame = await reader.__anext__()
            except StopAsyncIteration:
                if reader is self._reader:
                    self.show(None)
                continue
            if isinstance(frame, VideoFrame):
                # Each sender has a clock of its own; the file has one.
                return VideoFrame(frame.av_frame, time=asyncio.get_running_loop().time())
        raise StopAsyncIteration
