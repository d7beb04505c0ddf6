"""VideoSDK's guide for Twilio users, step by step, in Python.

Elements of a page are dictionaries here, and `console.log` is a list; the rest is the guide's.
Where the guide is wrong the test says so.
"""

from __future__ import annotations

from typing import Any

import pytest

from acs_core import RemotePublication
from acs_core.media.sources import ToneSource
from mapping.videosdk import Meeting, Participant, Stream, VideoSDK
from tests.support.events import until
from tests.support.media_checks import BLUE, RED, is_color, listen, watch
from tests.support.people import meeting as a_place
from tests.support.people import pattern


class Page:
    """The guide's script, its functions and its global variables."""

    def __init__(self, token: str, url: str) -> None:
        self.token = token
        self.url = url
        self.console: list[str] = []
        self.elements: dict[str, dict[str, Any]] = {}
        self.is_web_cam_on = self.is_mic_on = False

    def initialize_meeting(self, meeting_id: str) -> Meeting:
        # Step 1: connect to a room.
        VideoSDK.config(self.token)
        meeting = VideoSDK.initMeeting(
            {
                "meetingId": meeting_id,
                "name": "The Migrator",
                "micEnabled": True,  # The guide's "default: true" is false since 1.1.
                "webcamEnabled": True,
                # Ours: a computer without devices, and where the service is.
                "customMicrophoneAudioTrack": ToneSource(440.0),
                "customCameraVideoTrack": pattern(RED),
                "signalingBaseUrl": self.url,
            }
        )
        meeting.join()
        meeting.on(
            "meeting-joined", lambda: self.console.append("Local Participant Joined Successfully")
        )
        meeting.on("meeting-left", lambda: self.console.append("Local Participant Left the Room"))

        # Step 2: render the local participant.
        self.create_video_element(meeting.localParticipant, "local")
        meeting.localParticipant.on(
            "stream-enabled", lambda stream: self.set_track(stream, "local", is_local=True)
        )

        # Step 3: handle connected participants.
        def participant_joined(participant: Participant) -> None:
            self.create_video_element(participant, participant.id)
            participant.on("stream-enabled", lambda stream: self.set_track(stream, participant.id))

        def participant_left(participant: Participant) -> None:
            del self.elements[participant.id]

        meeting.on("participant-joined", participant_joined)
        meeting.on("participant-left", participant_left)
        return meeting

    def create_video_element(self, participant: Participant, key: str) -> None:
        self.elements[key] = {"name": participant.displayName}

    def set_track(self, stream: Stream, key: str, *, is_local: bool = False) -> None:
        self.elements[key][stream.kind] = stream.track
        if stream.kind == "video":
            self.is_web_cam_on = True
        if stream.kind == "audio" and is_local:
            self.is_mic_on = True


@pytest.mark.feature("STREAM-001", "STREAM-002", "STREAM-005", "CALL-024", "LEAVE-008")
async def test_the_guides_program_runs() -> None:
    async with a_place() as place:
        tom = await place.guest("tom", color=BLUE, tone=600)
        page = Page(place.server.issue_user_token()[1].token, place.url)
        meeting = page.initialize_meeting(tom.name)
        await until(lambda: page.console)
        assert page.console == ["Local Participant Joined Successfully"]
        await until(lambda: page.is_mic_on and page.is_web_cam_on)
        key = tom.localParticipant.sid.removeprefix("PA")
        await until(lambda: {"audio", "video"} <= page.elements.get(key, {}).keys())
        shown = page.elements[key]
        assert shown["name"] == "tom"
        assert isinstance(shown["video"], RemotePublication)
        assert is_color((await watch(shown["video"].frames(), count=2))[0], BLUE)
        assert round(await listen(shown["audio"].frames()) / 10) * 10 == 600

        # Step 4: mute and unmute.
        (migrator,) = tom.participants.values()
        local = meeting.localParticipant
        meeting.muteMic()
        meeting.disableWebcam()
        await until(lambda: not local.micOn and not local.webcamOn)
        await until(lambda: not any(one.isTrackEnabled for one in migrator.tracks.values()))
        meeting.unmuteMic()
        meeting.enableWebcam()
        await until(lambda: local.micOn and local.webcamOn)
        await until(
            lambda: [one.isTrackEnabled for one in migrator.tracks.values()] == [True, True]
        )

        # Step 5: disconnect.
        second = await place.guest("second")
        await until(lambda: len(page.elements) == 3)
        second.disconnect()
        await until(lambda: len(page.elements) == 2)
        meeting.leave()
        await until(lambda: tom.participants.size == 0)
        await until(lambda: page.console[-1] == "Local Participant Left the Room")
        await meeting.aclose()
