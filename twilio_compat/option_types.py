"""Twilio's option objects and the words in them, as types.

TypeScript's interfaces are shapes, so their counterpart is `TypedDict`: an option object is a plain
dict that a type checker knows. These say the same::

    await connect(token, {"dominantSpeaker": True})
    await connect(token, dominant_speaker=True)
    await connect(token, ConnectOptions(dominantSpeaker=True))

Every key exists in Twilio's spelling and in Python's. Keys that are marked "browser" are accepted,
so that pasted code runs, and a warning is logged that says what to do instead.

Source: twilio-video 2.36, `tsdef/types.d.ts`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from acs_core.core.receiving import BandwidthMode as BandwidthProfileMode
from acs_core.core.receiving import SwitchOffMode as TrackSwitchOffMode

if TYPE_CHECKING:
    from acs_core.client.devices import DeviceManager
    from acs_core.media.sources import MediaSource
    from twilio_compat.local_track import LocalTrack
    from twilio_compat.options import NetworkQualityConfiguration, TrackOptions

__all__ = [
    "AudioCodec",
    "AudioCodecSettings",
    "BandwidthProfileMode",
    "BandwidthProfileOptions",
    "ConnectOptions",
    "CreateLocalAudioTrackOptions",
    "CreateLocalTrackOptions",
    "CreateLocalTracksOptions",
    "DefaultDeviceCaptureMode",
    "EncodingParameters",
    "IceServerOptions",
    "LocalDataTrackOptions",
    "LocalTrackOptions",
    "LocalTrackPublishOptions",
    "LogLevel",
    "LogLevels",
    "MediaImplementationOptions",
    "MediaStreamTrackPublishOptions",
    "NetworkQualityVerbosity",
    "NotifyWarning",
    "OpusCodecSettings",
    "RTCConfigurationOptions",
    "TrackSwitchOffMode",
    "VP8CodecSettings",
    "VideoBandwidthProfileOptions",
    "VideoCodec",
    "VideoCodecSettings",
    "VideoRenderDimensions",
]

ConstrainInteger: TypeAlias = int | Mapping[str, int]
"""A number, or `{"exact": number}`, `{"ideal": number}` (W3C Media Capture and Streams)."""
ConstrainNumber: TypeAlias = float | Mapping[str, float]
ConstrainText: TypeAlias = str | Mapping[str, str]
Size: TypeAlias = Mapping[str, int]
"""`{"width": pixels, "height": pixels}`."""


class AudioCodec(StrEnum):
    """Codecs of sound that can be preferred; this SDK sends opus."""

    ISAC = "isac"
    OPUS = "opus"
    PCMA = "PCMA"
    PCMU = "PCMU"


class VideoCodec(StrEnum):
    """Codecs of pictures that can be preferred; this SDK sends VP8 and H264."""

    H264 = "H264"
    VP8 = "VP8"
    VP9 = "VP9"


class LogLevel(StrEnum):
    """How much is logged; OFF is nothing."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    OFF = "off"


class DefaultDeviceCaptureMode(StrEnum):
    """Whether a track goes over to another default microphone (AUTO) or stays (MANUAL)."""

    AUTO = "auto"
    MANUAL = "manual"


class NetworkQualityVerbosity(IntEnum):
    """How much is reported about the network: nothing, the level, its parts, what was measured."""

    NONE = 0
    MINIMAL = 1
    MODERATE = 2
    DETAILED = 3


class NotifyWarning(StrEnum):
    """What `notifyWarnings` can ask for: that recorded media does not arrive at the service."""

    RECORDING_MEDIA_LOST = "recording-media-lost"


class LogLevels(TypedDict, total=False):
    """How much each part logs; what is not given goes by `default`."""

    default: LogLevel | str
    media: LogLevel | str
    signaling: LogLevel | str
    webrtc: LogLevel | str


class MediaImplementationOptions(TypedDict, total=False):
    """Browser: where a browser's media functions come from. Here a track names its `source`."""

    getUserMedia: Callable[..., Any]
    get_user_media: Callable[..., Any]
    enumerateDevices: Callable[..., Any]
    enumerate_devices: Callable[..., Any]
    MediaStream: Any
    media_stream: Any


class LocalTrackOptions(TypedDict, total=False):
    """Options of `LocalAudioTrack(source, options)` and `LocalVideoTrack(source, options)`."""

    logLevel: LogLevel | LogLevels | str
    log_level: LogLevel | LogLevels | str
    name: str


class LocalTrackPublishOptions(TypedDict, total=False):
    """Options of `publish_track` for a local track."""

    priority: str


class MediaStreamTrackPublishOptions(LocalTrackOptions, LocalTrackPublishOptions, total=False):
    """Options of `publish_track` for a `MediaSource`, of which a track is made."""


class LocalDataTrackOptions(TypedDict, total=False):
    """Options of `LocalDataTrack`; at most one limit may be set."""

    name: str
    ordered: bool
    maxRetransmits: int | None
    max_retransmits: int | None
    maxPacketLifeTime: int | None
    max_packet_life_time: int | None
    logLevel: LogLevel | LogLevels | str
    log_level: LogLevel | LogLevels | str


class TrackKeywords(MediaImplementationOptions, LocalTrackOptions, total=False):
    """Keys of `create_local_audio_track` and `create_local_video_track` in Python's spelling.

    `source`, `devices`, `loop`, `color`, `frequency` and `channels` are ours: where the track comes
    from when it is no default device. See `TrackOptions` for what each means.
    """

    source: str | os.PathLike[str] | MediaSource
    devices: DeviceManager
    loop: bool
    color: tuple[int, int, int]
    frequency: float
    channels: int
    device_id: ConstrainText
    width: ConstrainInteger
    height: ConstrainInteger
    frame_rate: ConstrainNumber
    default_device_capture_mode: Literal["auto", "manual"] | DefaultDeviceCaptureMode
    noise_cancellation_options: Any
    # Browser: what is captured cannot be asked to be so.
    aspect_ratio: ConstrainNumber
    auto_gain_control: bool | Mapping[str, bool]
    channel_count: ConstrainInteger
    echo_cancellation: bool | Mapping[str, bool]
    facing_mode: ConstrainText
    group_id: ConstrainText
    latency: ConstrainNumber
    noise_suppression: bool | Mapping[str, bool]
    sample_rate: ConstrainInteger
    sample_size: ConstrainInteger


class CreateLocalTrackOptions(TrackKeywords, total=False):
    """Options of `create_local_video_track`: those of `TrackKeywords`, in Twilio's spelling too."""

    deviceId: ConstrainText
    frameRate: ConstrainNumber
    aspectRatio: ConstrainNumber
    autoGainControl: bool | Mapping[str, bool]
    channelCount: ConstrainInteger
    echoCancellation: bool | Mapping[str, bool]
    facingMode: ConstrainText
    groupId: ConstrainText
    noiseSuppression: bool | Mapping[str, bool]
    sampleRate: ConstrainInteger
    sampleSize: ConstrainInteger


class CreateLocalAudioTrackOptions(CreateLocalTrackOptions, total=False):
    """Options of `create_local_audio_track`."""

    defaultDeviceCaptureMode: Literal["auto", "manual"] | DefaultDeviceCaptureMode
    noiseCancellationOptions: Any


class CreateLocalTracksOptions(MediaImplementationOptions, total=False):
    """Options of `create_local_tracks`; `tracks` are used instead of making some."""

    audio: bool | CreateLocalAudioTrackOptions | TrackOptions | Mapping[str, Any]
    video: bool | CreateLocalTrackOptions | TrackOptions | Mapping[str, Any]
    tracks: Sequence[LocalTrack | MediaSource]
    logLevel: LogLevel | LogLevels | str
    log_level: LogLevel | LogLevels | str
    loggerName: str
    logger_name: str


class EncodingParameters(TypedDict, total=False):
    """What `LocalParticipant.set_parameters` changes; bits per second, None for no limit."""

    maxAudioBitrate: int | None
    max_audio_bitrate: int | None
    maxVideoBitrate: int | None
    max_video_bitrate: int | None


class AudioCodecSettings(TypedDict):
    """A codec of sound."""

    codec: AudioCodec | str


class OpusCodecSettings(TypedDict, total=False):
    """Opus; `dtx` sends nearly nothing in silence, which is so unless it is False."""

    codec: AudioCodec | str
    dtx: bool


class VideoCodecSettings(TypedDict):
    """A codec of pictures."""

    codec: VideoCodec | str


class VP8CodecSettings(TypedDict, total=False):
    """VP8; `simulcast` is for browsers: this SDK sends one layer, and warns."""

    codec: VideoCodec | str
    simulcast: bool


class VideoRenderDimensions(TypedDict, total=False):
    """The size to assume of a video nobody said the size of, by its priority."""

    high: Size
    low: Size
    standard: Size


class VideoBandwidthProfileOptions(TypedDict, total=False):
    """How the videos that are received share the downlink; see `twilio_compat.bandwidth`."""

    mode: BandwidthProfileMode | str
    contentPreferencesMode: str
    content_preferences_mode: str
    dominantSpeakerPriority: str
    dominant_speaker_priority: str
    maxSubscriptionBitrate: float
    max_subscription_bitrate: float
    maxTracks: int
    max_tracks: int
    renderDimensions: VideoRenderDimensions | Mapping[str, Size]
    render_dimensions: VideoRenderDimensions | Mapping[str, Size]
    clientTrackSwitchOffControl: str
    client_track_switch_off_control: str
    trackSwitchOffMode: TrackSwitchOffMode | str
    track_switch_off_mode: TrackSwitchOffMode | str


class BandwidthProfileOptions(TypedDict, total=False):
    """The option `bandwidthProfile`, and what `set_bandwidth_profile` takes."""

    video: VideoBandwidthProfileOptions | Mapping[str, Any]


class IceServerOptions(TypedDict, total=False):
    """A STUN or TURN server: `RTCIceServer` of the W3C's WebRTC 1.0, section 4.2.5."""

    urls: str | Sequence[str]
    url: str
    username: str
    credential: str


class RTCConfigurationOptions(TypedDict, total=False):
    """What is read of `RTCConfiguration`, WebRTC 1.0 section 4.2.1."""

    iceServers: Sequence[IceServerOptions | Mapping[str, Any]]
    ice_servers: Sequence[IceServerOptions | Mapping[str, Any]]
    iceTransportPolicy: Literal["all", "relay"]
    ice_transport_policy: Literal["all", "relay"]


class ConnectKeywords(TypedDict, total=False):
    """Keys of `connect` in Python's spelling; `service_url` is ours."""

    name: str | None
    audio: bool | CreateLocalAudioTrackOptions | TrackOptions | Mapping[str, Any]
    video: bool | CreateLocalTrackOptions | TrackOptions | Mapping[str, Any]
    tracks: Sequence[LocalTrack | MediaSource]
    insights: bool
    region: str
    automatic_subscription: bool
    bandwidth_profile: BandwidthProfileOptions | Mapping[str, Any] | None
    dominant_speaker: bool
    dscp_tagging: bool
    enable_dscp: bool
    event_listener: Any
    ice_servers: Sequence[IceServerOptions | Mapping[str, Any]]
    ice_transport_policy: Literal["all", "relay"]
    log_level: LogLevel | LogLevels | str
    logger_name: str
    max_audio_bitrate: int | None
    max_video_bitrate: int | None
    network_quality: bool | NetworkQualityConfiguration | Mapping[str, int]
    notify_warnings: Sequence[NotifyWarning | str]
    preferred_audio_codecs: Sequence[AudioCodec | str | AudioCodecSettings | OpusCodecSettings]
    preferred_video_codecs: (
        Sequence[VideoCodec | str | VideoCodecSettings | VP8CodecSettings] | Literal["auto"]
    )
    receive_transcriptions: bool
    rtc_configuration: RTCConfigurationOptions | Mapping[str, Any]
    service_url: str | None


class ConnectOptions(ConnectKeywords, MediaImplementationOptions, total=False):
    """Options of `connect`: those of `ConnectKeywords`, in Twilio's spelling too."""

    RTCPeerConnection: Any
    rtc_peer_connection: Any
    automaticSubscription: bool
    bandwidthProfile: BandwidthProfileOptions | Mapping[str, Any] | None
    dominantSpeaker: bool
    dscpTagging: bool
    enableDscp: bool
    eventListener: Any
    iceServers: Sequence[IceServerOptions | Mapping[str, Any]]
    iceTransportPolicy: Literal["all", "relay"]
    logLevel: LogLevel | LogLevels | str
    loggerName: str
    maxAudioBitrate: int | None
    maxVideoBitrate: int | None
    networkQuality: bool | NetworkQualityConfiguration | Mapping[str, int]
    notifyWarnings: Sequence[NotifyWarning | str]
    preferredAudioCodecs: Sequence[AudioCodec | str | AudioCodecSettings | OpusCodecSettings]
    preferredVideoCodecs: (
        Sequence[VideoCodec | str | VideoCodecSettings | VP8CodecSettings] | Literal["auto"]
    )
    receiveTranscriptions: bool
    rtcConfiguration: RTCConfigurationOptions | Mapping[str, Any]
