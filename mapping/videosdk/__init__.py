"""A VideoSDK-shaped facade on `acs_core`, for comparing migrations: the same story in its words.

A program that follows VideoSDK's guide for Twilio users runs against our service, side by side with
Twilio-style and ACS-style participants::

    VideoSDK.config(token)
    meeting = VideoSDK.initMeeting(meetingId="daily", name="Ann", signalingBaseUrl=url)
    meeting.on("participant-joined", lambda participant: print(participant.displayName))
    await meeting.join()

Names are VideoSDK's, in camelCase; there is no second spelling. It is no product: what the guide
uses is here, other methods raise `NotProvidedError`, which names what to use, and
`mapping.videosdk.names` lists both.

Source: @videosdk.live/js-sdk 1.1.1.
"""

from mapping.videosdk.absent import NotProvidedError
from mapping.videosdk.errors import Errors, LeaveReason, MeetingError, Reason
from mapping.videosdk.events import (
    DataMessage,
    MeetingEvent,
    MeetingState,
    ParticipantEvent,
    ReliabilityMode,
    StateChange,
)
from mapping.videosdk.meeting import Meeting
from mapping.videosdk.messages import PubSub, PubSubMessage
from mapping.videosdk.options import MeetingOptions
from mapping.videosdk.participant import Participant
from mapping.videosdk.rooms import create_room
from mapping.videosdk.sdk import VideoSDK
from mapping.videosdk.stream import Stream, StreamKind, Track

__all__ = [
    "DataMessage",
    "Errors",
    "LeaveReason",
    "Meeting",
    "MeetingError",
    "MeetingEvent",
    "MeetingOptions",
    "MeetingState",
    "NotProvidedError",
    "Participant",
    "ParticipantEvent",
    "PubSub",
    "PubSubMessage",
    "Reason",
    "ReliabilityMode",
    "StateChange",
    "Stream",
    "StreamKind",
    "Track",
    "VideoSDK",
    "create_room",
]
