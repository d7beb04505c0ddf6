"""Both spellings: each of Twilio's names is there, and is the same object as ours.

The table below is what is implemented of twilio-video 2.36; `snake_case` of each of Twilio's names
is ours, without exception.
"""

from __future__ import annotations

import pytest

import twilio_compat
from twilio_compat import (
    AudioTrack,
    EventEmitter,
    LiveMap,
    LocalAudioTrack,
    LocalAudioTrackPublication,
    LocalDataTrack,
    LocalDataTrackPublication,
    LocalParticipant,
    LocalTrackPublication,
    LocalVideoTrack,
    LocalVideoTrackPublication,
    MediaTrack,
    Participant,
    RemoteAudioTrack,
    RemoteAudioTrackPublication,
    RemoteDataTrack,
    RemoteDataTrackPublication,
    RemoteParticipant,
    RemoteTrackPublication,
    RemoteVideoTrack,
    RemoteVideoTrackPublication,
    Room,
    Track,
    TrackPublication,
    VideoTrack,
)
from twilio_compat.emitter import EventEmitter as Base
from twilio_compat.option_bags import snake_case

_EMITTER = (
    "on once off emit listeners addListener removeListener removeAllListeners prependListener "
    "prependOnceListener listenerCount eventNames rawListeners setMaxListeners getMaxListeners"
)
_TRACK = "kind name toJSON toString"
_MEDIA = (
    f"{_TRACK} isStarted isEnabled mediaStreamTrack processedTrack attach detach onFrame frames"
)
_LOCAL_MEDIA = f"{_MEDIA} id isMuted isStopped disable enable restart stop write"
_REMOTE_MEDIA = f"{_MEDIA} sid priority isSwitchedOff setPriority"
_VIDEO = "dimensions processor addProcessor removeProcessor"
_DATA = f"{_TRACK} isEnabled"
_PUBLICATION = "kind trackName trackSid toJSON toString"
_LOCAL_PUBLICATION = f"{_PUBLICATION} isTrackEnabled priority track setPriority unpublish"
_REMOTE_PUBLICATION = f"{_PUBLICATION} isSubscribed isTrackEnabled publishPriority track"
_PARTICIPANT = (
    "identity networkQualityLevel networkQualityStats sid state tracks audioTracks videoTracks "
    "dataTracks toJSON toString"
)

NAMES: dict[type, str] = {
    EventEmitter: _EMITTER,
    LiveMap: "forEach size get has keys values entries",
    Room: "dominantSpeaker isRecording localParticipant mediaRegion name participants sid state "
    "disconnect getStats refreshInactiveMedia toJSON toString",
    LocalParticipant: f"{_PARTICIPANT} signalingRegion publishTrack publishTracks unpublishTrack "
    "unpublishTracks setNetworkQualityConfiguration setBandwidthProfile setParameters",
    RemoteParticipant: _PARTICIPANT,
    LocalAudioTrack: f"{_LOCAL_MEDIA} noiseCancellation",
    LocalVideoTrack: f"{_LOCAL_MEDIA} {_VIDEO}",
    LocalDataTrack: f"{_DATA} id maxPacketLifeTime maxRetransmits ordered reliable send",
    RemoteAudioTrack: _REMOTE_MEDIA,
    RemoteVideoTrack: f"{_REMOTE_MEDIA} {_VIDEO} switchOn switchOff setContentPreferences",
    RemoteDataTrack: f"{_DATA} sid priority isSubscribed isSwitchedOff setPriority "
    "maxPacketLifeTime maxRetransmits ordered reliable",
    LocalAudioTrackPublication: _LOCAL_PUBLICATION,
    LocalVideoTrackPublication: _LOCAL_PUBLICATION,
    LocalDataTrackPublication: _LOCAL_PUBLICATION,
    RemoteAudioTrackPublication: _REMOTE_PUBLICATION,
    RemoteVideoTrackPublication: _REMOTE_PUBLICATION,
    RemoteDataTrackPublication: _REMOTE_PUBLICATION,
}

MODULE_NAMES = [
    "createLocalAudioTrack",
    "createLocalVideoTrack",
    "createLocalTracks",
    "isSupported",
]

EVENTS: dict[type[EventEmitter], str] = {
    Room: "disconnected dominantSpeakerChanged participantConnected participantDisconnected "
    "participantReconnected participantReconnecting reconnected reconnecting recordingStarted "
    "recordingStopped trackDimensionsChanged trackDisabled trackEnabled trackMessage "
    "trackPublished trackPublishPriorityChanged trackStarted trackSubscribed "
    "trackSubscriptionFailed trackSwitchedOff trackSwitchedOn trackUnpublished trackUnsubscribed "
    "trackWarning trackWarningsCleared transcription",
    LocalParticipant: "connected disconnected networkQualityLevelChanged reconnected reconnecting "
    "trackDimensionsChanged trackDisabled trackEnabled trackPublicationFailed trackPublished "
    "trackStarted trackStopped trackWarning trackWarningsCleared",
    RemoteParticipant: "connected disconnected networkQualityLevelChanged reconnected "
    "reconnecting trackDimensionsChanged trackDisabled trackEnabled trackMessage trackPublished "
    "trackPublishPriorityChanged trackStarted trackSubscribed trackSubscriptionFailed "
    "trackSwitchedOff trackSwitchedOn trackUnpublished trackUnsubscribed",
    LocalAudioTrack: "disabled enabled muted started stopped unmuted",
    LocalVideoTrack: "dimensionsChanged disabled enabled muted started stopped unmuted",
    LocalDataTrack: "",
    RemoteAudioTrack: "disabled enabled started switchedOff switchedOn",
    RemoteVideoTrack: "dimensionsChanged disabled enabled started switchedOff switchedOn",
    RemoteDataTrack: "message switchedOff switchedOn",
    LocalTrackPublication: "trackDisabled trackEnabled warning warningsCleared",
    RemoteTrackPublication: "publishPriorityChanged subscribed subscriptionFailed trackDisabled "
    "trackEnabled trackSwitchedOff trackSwitchedOn unsubscribed",
}

# `toJSON` is the one name that the rule converts to something nobody would write.
_SPECIAL = {"toJSON": "to_json"}

_PAIRS = [(kind, name) for kind, text in NAMES.items() for name in text.split()]


def ours(name: str) -> str:
    return _SPECIAL.get(name, snake_case(name))


def find(kind: type, name: str) -> object:
    """The attribute itself, not what it gives: properties stay properties."""
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    raise AssertionError(f"{kind.__name__} has no {name}")


@pytest.mark.parametrize(
    ("kind", "name"), _PAIRS, ids=lambda value: getattr(value, "__name__", value)
)
def test_each_name_of_twilio_is_ours(kind: type, name: str) -> None:
    assert find(kind, name) is find(kind, ours(name))


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_no_alias_is_left_over(kind: type) -> None:
    allowed = set(NAMES[kind].split()) | set(_EMITTER.split())
    found = {name for base in kind.__mro__ for name in vars(base) if base is not object}
    camel = {name for name in found if not name.startswith("_") and name != name.lower()}
    constants = {name for name in camel if name.isupper()}
    assert camel - constants <= allowed


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_module_names(name: str) -> None:
    assert getattr(twilio_compat, name) is getattr(twilio_compat, snake_case(name))
    assert {name, snake_case(name)} <= set(twilio_compat.__all__)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_events(kind: type[EventEmitter]) -> None:
    assert kind.known_events() == set(EVENTS[kind].split())


def test_every_public_class_is_documented() -> None:
    for name in twilio_compat.__all__:
        thing = getattr(twilio_compat, name)
        if isinstance(thing, type):
            assert thing.__doc__, name


def test_the_bases_are_public_and_emit() -> None:
    for base in (Track, MediaTrack, AudioTrack, VideoTrack, Participant, TrackPublication):
        assert issubclass(base, Base)
