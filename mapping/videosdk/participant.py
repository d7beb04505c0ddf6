"""Who is in a meeting, this program included.

Source: `Participant` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar, Final, final

from acs_core.client.emitter import TaskOwner
from mapping.videosdk.absent import not_provided
from mapping.videosdk.events import ParticipantEvent
from mapping.videosdk.stream import Stream, StreamKind
from twilio_compat import EventEmitter, LiveMap

__all__ = ["Participant"]

_QUALITY: Final = "Use Features.RECEIVE_POLICY with a size."
_PIN: Final = "Choose in the program what is shown large; Features.SPOTLIGHT is for everybody."
_REQUEST: Final = "Others can be muted, by Call.mute_all_remote_participants, and not unmuted."
_DOM: Final = "Read Stream.track; there are no elements in Python."
_STATS: Final = "Use Features.MEDIA_STATS, or RemotePublication.stats of Stream.track."
_CONSUME: Final = "Everything is received; use Stream.pause and Stream.resume."


@final
class Participant(EventEmitter):
    """Somebody in the meeting; made by `Meeting`.

    `metaData`, `mode`, `quality` and `pinState` are left out: nothing here would change them.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset(ParticipantEvent)

    def __init__(
        self,
        name: str,
        tasks: TaskOwner,
        *,
        id_: str = "",
        on: Callable[[], Collection[str]] | None = None,
    ) -> None:
        """Make a participant.

        Args:
            name: What the others see.
            tasks: Owner of the tasks of coroutine listeners.
            id_: Empty for this program, whose id is not known before the meeting is joined.
            on: The kinds of what somebody else sends, received or not; None for this program.
        """
        super().__init__(tasks)
        self._id = id_
        self._name = name
        self._on = on
        self._streams: dict[str, Stream] = {}
        self._stream_map = LiveMap(self._streams)

    @property
    def id(self) -> str:
        """32 hex digits; with `PA`, the SID in Twilio's words. Empty before we have joined."""
        return self._id

    @property
    def displayName(self) -> str:
        """The name that was given to `initMeeting`; of a Twilio participant the identity."""
        return self._name

    @property
    def local(self) -> bool:
        """Whether it is this program."""
        return self._on is None

    @property
    def streams(self) -> LiveMap[Stream]:
        """What is received of it now, or sent by this program, by id; live."""
        return self._stream_map

    @property
    def micOn(self) -> bool:
        """Whether it sends sound."""
        return "audio" in self._kinds_on()

    @property
    def webcamOn(self) -> bool:
        """Whether it sends pictures of a camera."""
        return "video" in self._kinds_on()

    @property
    def screenShareOn(self) -> bool:
        """Whether it shares a screen."""
        return "share" in self._kinds_on()

    def _kinds_on(self) -> Collection[str]:
        if self._on is not None:
            return self._on()
        return {stream.kind for stream in self._streams.values()}

    def _set_id(self, id_: str) -> None:
        """Take the id of this program; for `Meeting`."""
        self._id = id_

    def _enable(self, stream: Stream) -> None:
        """Take that a stream is there; for `Meeting`, which may repeat it."""
        if stream.id not in self._streams:
            self._streams[stream.id] = stream
            self.emit(ParticipantEvent.STREAM_ENABLED, stream)

    def _disable(self, stream_id: str) -> None:
        """Take that a stream is gone; for `Meeting`, which may repeat it."""
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self.emit(ParticipantEvent.STREAM_DISABLED, stream)

    def _end(self) -> None:
        """Take that all streams are gone; for `Meeting`."""
        for stream_id in tuple(self._streams):
            self._disable(stream_id)

    def _of_kind(self, kind: StreamKind) -> Stream | None:
        """The first stream of a kind; for `Meeting`."""
        return next((one for one in self._streams.values() if one.kind == kind), None)

    remove = not_provided("Participant.remove", "Use Call.remove_participant of acs_core.")
    enableMic = not_provided("Participant.enableMic", _REQUEST)
    disableMic = not_provided("Participant.disableMic", _REQUEST)
    enableWebcam = not_provided("Participant.enableWebcam", _REQUEST)
    disableWebcam = not_provided("Participant.disableWebcam", _REQUEST)
    setQuality = not_provided("Participant.setQuality", _QUALITY)
    setScreenShareQuality = not_provided("Participant.setScreenShareQuality", _QUALITY)
    setViewPort = not_provided("Participant.setViewPort", _QUALITY)
    pin = not_provided("Participant.pin", _PIN)
    unpin = not_provided("Participant.unpin", _PIN)
    renderVideo = not_provided("Participant.renderVideo", _DOM)
    renderAudio = not_provided("Participant.renderAudio", _DOM)
    captureImage = not_provided("Participant.captureImage", _DOM)
    getVideoStats = not_provided("Participant.getVideoStats", _STATS)
    getShareStats = not_provided("Participant.getShareStats", _STATS)
    getShareAudioStats = not_provided("Participant.getShareAudioStats", _STATS)
    getAudioStats = not_provided("Participant.getAudioStats", _STATS)
    getTransportStats = not_provided("Participant.getTransportStats", _STATS)
    consumeMicStreams = not_provided("Participant.consumeMicStreams", _CONSUME)
    consumeWebcamStreams = not_provided("Participant.consumeWebcamStreams", _CONSUME)
    stopConsumingMicStreams = not_provided("Participant.stopConsumingMicStreams", _CONSUME)
    stopConsumingWebcamStreams = not_provided("Participant.stopConsumingWebcamStreams", _CONSUME)
