"""Options that name streams: how a call is joined, started or accepted."""

from __future__ import annotations

from dataclasses import dataclass, field

from acs_core.client.constraints import VideoConstraints
from acs_core.client.ports import SendOptions
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.core.facts import DataReliability, Priority
from acs_core.core.receiving import BandwidthProfile
from acs_core.identifiers import PhoneNumberIdentifier
from acs_core.media.sources import MediaSource
from acs_core.models import CustomContext

__all__ = [
    "AcceptCallOptions",
    "AudioOptions",
    "JoinCallOptions",
    "StartCallOptions",
    "StartTeamsCallOptions",
    "StartTeamsGroupCallOptions",
    "StreamOptions",
    "VideoOptions",
]


@dataclass(frozen=True, slots=True)
class AudioOptions:
    """The microphone of a call; without a stream it is the selected or default microphone."""

    muted: bool = False
    local_audio_streams: tuple[LocalAudioStream, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """The camera of a call; at most one stream.

    Attributes:
        constraints: Limits of what is sent, as of `Call.set_constraints`.
    """

    local_video_streams: tuple[LocalVideoStream, ...] = ()
    constraints: VideoConstraints | None = None


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """One stream to publish from the start (ours).

    Attributes:
        source: Sound or pictures; None for data.
        screen: Pictures of a screen.
        reliability: For data.
    """

    source: MediaSource | None = None
    name: str = ""
    enabled: bool = True
    priority: Priority = Priority.STANDARD
    screen: bool = False
    encoding: SendOptions = field(default_factory=SendOptions)
    reliability: DataReliability | None = None


@dataclass(frozen=True, slots=True)
class JoinCallOptions:
    """How to join.

    Attributes:
        audio_options: None for the default microphone, unmuted, if there is one.
        streams: Publish exactly these instead of a microphone (ours); ACS's limits do not apply.
            None follows `audio_options` and `video_options` alone.
        receive_automatically: Receive everything that is published (ours).
        report_network_quality: Let the service report network quality (ours).
        bandwidth_profile: How received videos share the downlink (ours); None switches none off.
    """

    video_options: VideoOptions | None = None
    audio_options: AudioOptions | None = None
    streams: tuple[StreamOptions, ...] | None = None
    receive_automatically: bool = True
    report_network_quality: bool = False
    bandwidth_profile: BandwidthProfile | None = None


@dataclass(frozen=True, slots=True)
class AcceptCallOptions(JoinCallOptions):
    """How to accept an incoming call."""


@dataclass(frozen=True, slots=True)
class StartCallOptions(JoinCallOptions):
    """How to call somebody.

    Attributes:
        alternate_caller_id: The number that telephones see; they are not called without one.
        custom_context: What the one who is called gets along with the call.
        thread_id: The chat of a group call with Teams users; those who are called see it, too.
    """

    alternate_caller_id: PhoneNumberIdentifier | None = None
    custom_context: CustomContext | None = None
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class StartTeamsCallOptions(JoinCallOptions):
    """How a Teams user calls somebody.

    Attributes:
        custom_context: What the one who is called gets along with the call.
    """

    custom_context: CustomContext | None = None


@dataclass(frozen=True, slots=True)
class StartTeamsGroupCallOptions(StartTeamsCallOptions):
    """How a Teams user calls several others.

    Attributes:
        thread_id: The chat of the call; a group call is not started without one.
    """

    thread_id: str = ""
