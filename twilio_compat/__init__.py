"""Twilio Video for Python programs, on a calling service of your own.

A participant without a browser::

    async with await connect(token, name="lobby", audio=False, video={"source": "pattern"}) as room:
        room.on("participantConnected", lambda participant: print(participant.identity))
        await asyncio.sleep(10)

Every name exists in Python's spelling and in Twilio's: `room.local_participant` is
`room.localParticipant`.
"""

from acs_core.version import __version__ as version
from twilio_compat.audio_mixing import MixedSound, mix_room, mix_tracks, pcm
from twilio_compat.connect import CancelablePromise, CanceledError, connect
from twilio_compat.create_tracks import (
    create_local_audio_track,
    create_local_tracks,
    create_local_video_track,
    createLocalAudioTrack,
    createLocalTracks,
    createLocalVideoTrack,
)
from twilio_compat.emitter import EventEmitter
from twilio_compat.errors import TwilioError
from twilio_compat.events import (
    LocalParticipantEvent,
    ParticipantEvent,
    PublicationEvent,
    RemoteParticipantEvent,
    RoomEvent,
    TrackEvent,
)
from twilio_compat.frame_pump import AudioSink, TrackFrames
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_participant import LocalParticipant
from twilio_compat.local_track import LocalAudioTrack, LocalTrack, LocalVideoTrack
from twilio_compat.maps import LiveMap
from twilio_compat.noise_cancellation import (
    NoiseCancellation,
    NoiseCancellationOptions,
    register_noise_cancellation,
)
from twilio_compat.options import NetworkQualityConfiguration, TrackPriority
from twilio_compat.participant import NetworkQualityStats, Participant, ParticipantState
from twilio_compat.preflight import (
    PreflightEvent,
    PreflightStoppedError,
    PreflightTest,
    run_preflight,
    runPreflight,
)
from twilio_compat.preflight_report import PreflightProgress, PreflightTestReport
from twilio_compat.publication import (
    LocalAudioTrackPublication,
    LocalDataTrackPublication,
    LocalTrackPublication,
    LocalVideoTrackPublication,
    RemoteAudioTrackPublication,
    RemoteDataTrackPublication,
    RemoteTrackPublication,
    RemoteVideoTrackPublication,
    TrackPublication,
)
from twilio_compat.recording import RecordedFile, Recording, record
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import (
    RemoteAudioTrack,
    RemoteDataTrack,
    RemoteTrack,
    RemoteVideoTrack,
)
from twilio_compat.room import Room, RoomState
from twilio_compat.stats import StatsReport
from twilio_compat.tokens import AccessToken
from twilio_compat.track import AudioTrack, Dimensions, MediaTrack, Track, VideoTrack
from twilio_compat.video_processor import AddProcessorOptions, ProcessorOutput, VideoProcessor

__all__ = [
    "AccessToken",
    "AddProcessorOptions",
    "AudioSink",
    "AudioTrack",
    "CancelablePromise",
    "CanceledError",
    "Dimensions",
    "EventEmitter",
    "LiveMap",
    "LocalAudioTrack",
    "LocalAudioTrackPublication",
    "LocalDataTrack",
    "LocalDataTrackPublication",
    "LocalParticipant",
    "LocalParticipantEvent",
    "LocalTrack",
    "LocalTrackPublication",
    "LocalVideoTrack",
    "LocalVideoTrackPublication",
    "MediaTrack",
    "MixedSound",
    "NetworkQualityConfiguration",
    "NetworkQualityStats",
    "NoiseCancellation",
    "NoiseCancellationOptions",
    "Participant",
    "ParticipantEvent",
    "ParticipantState",
    "PreflightEvent",
    "PreflightProgress",
    "PreflightStoppedError",
    "PreflightTest",
    "PreflightTestReport",
    "ProcessorOutput",
    "PublicationEvent",
    "RecordedFile",
    "Recording",
    "RemoteAudioTrack",
    "RemoteAudioTrackPublication",
    "RemoteDataTrack",
    "RemoteDataTrackPublication",
    "RemoteParticipant",
    "RemoteParticipantEvent",
    "RemoteTrack",
    "RemoteTrackPublication",
    "RemoteVideoTrack",
    "RemoteVideoTrackPublication",
    "Room",
    "RoomEvent",
    "RoomState",
    "StatsReport",
    "Track",
    "TrackEvent",
    "TrackFrames",
    "TrackPriority",
    "TrackPublication",
    "TwilioError",
    "VideoProcessor",
    "VideoTrack",
    "connect",
    "createLocalAudioTrack",
    "createLocalTracks",
    "createLocalVideoTrack",
    "create_local_audio_track",
    "create_local_tracks",
    "create_local_video_track",
    "isSupported",
    "is_supported",
    "mix_room",
    "mix_tracks",
    "pcm",
    "record",
    "register_noise_cancellation",
    "runPreflight",
    "run_preflight",
    "version",
]

isSupported = is_supported = True  # noqa: N816
"""Whether calls can be made here: everywhere this package installs."""
