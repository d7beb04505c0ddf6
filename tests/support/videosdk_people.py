"""Participants that speak VideoSDK, in one room with those of the other two styles."""

from __future__ import annotations

from typing import Any

from acs_core.media.sources import ToneSource
from mapping.videosdk import Meeting, MeetingEvent, Participant, ParticipantEvent, Stream, VideoSDK
from tests.support.events import until
from tests.support.media_checks import Color
from tests.support.people import Meeting as Place
from tests.support.people import pattern

__all__ = ["Diary", "attend", "init", "stream_of"]

ROOM = "meeting"


def init(
    place: Place,
    name: str = "",
    *,
    token: str | None = None,
    color: Color | None = None,
    tone: float | None = None,
    **options: Any,
) -> Meeting:
    """A meeting that is not joined yet; with an ACS user's token unless there is another."""
    VideoSDK.config(token or place.server.issue_user_token()[1].token)
    bag = {
        "meetingId": ROOM,
        "name": name,
        "signalingBaseUrl": place.url,
        "micEnabled": tone is not None,
        "webcamEnabled": color is not None,
        "customMicrophoneAudioTrack": None if tone is None else ToneSource(tone),
        "customCameraVideoTrack": None if color is None else pattern(color),
    }
    return VideoSDK.initMeeting(bag | options)


async def attend(place: Place, name: str = "", **options: Any) -> Meeting:
    """A joined meeting that is left when the place closes; options as for `init`."""
    meeting = await place.stack.enter_async_context(init(place, name, **options))
    await meeting.join()
    return meeting


async def stream_of(meeting: Meeting, name: str, kind: str) -> Stream:
    """What a meeting receives of somebody, once it does."""

    def found() -> list[Stream]:
        return [
            stream
            for participant in meeting.participants.values()
            if participant.displayName == name
            for stream in participant.streams.values()
            if stream.kind == kind
        ]

    await until(found)
    return found()[0]


class Diary:
    """What a meeting and its participants tell, as (who, event, what) in order."""

    def __init__(self, meeting: Meeting) -> None:
        self.entries: list[tuple[str, str, object]] = []
        for event in MeetingEvent:
            meeting.on(event, self._writer("meeting", event))
        self.watch(meeting.localParticipant)
        meeting.on(MeetingEvent.PARTICIPANT_JOINED, self.watch)

    def watch(self, participant: Participant) -> None:
        """Write down what a participant tells."""
        for event in ParticipantEvent:
            participant.on(event, self._writer(participant.displayName, event))

    def of(self, who: str) -> list[tuple[str, object]]:
        """The entries of one of them."""
        return [(event, what) for name, event, what in self.entries if name == who]

    def _writer(self, who: str, event: str) -> Any:
        def write(*arguments: object) -> None:
            first = arguments[0] if arguments else None
            match first:
                case Participant():
                    first = first.displayName
                case Stream():
                    first = first.kind
                case _:
                    pass
            self.entries.append((who, str(event), first))

        return write
