"""What `initMeeting` is told: VideoSDK's bag, read at the door.

Source: `VideoSDK.initMeeting` of @videosdk.live/js-sdk 1.1.1. Its declarations make `name` optional
and the microphone and the camera off by default, where VideoSDK's guide for Twilio users has a
required name and both on; the declarations are followed.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypedDict, TypeVar

from acs_core import InvalidArgumentError
from acs_core.media.sources import MediaSource

__all__ = ["OPTIONS", "REFUSED", "MeetingOptions", "MeetingSettings", "read_meeting_options"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class MeetingOptions(TypedDict, total=False):
    """Options of `initMeeting`.

    Attributes:
        meetingId: Name of the room. Required.
        name: What the others see.
        micEnabled: Send sound from the start; False unless given.
        webcamEnabled: Send pictures from the start; False unless given.
        customMicrophoneAudioTrack: Where the sound comes from, instead of the default microphone.
        customCameraVideoTrack: Where the pictures come from, instead of the first camera.
        signalingBaseUrl: The service's URL.
        autoConsume: Receive what is published; only True.
        mode: Only "SEND_AND_RECV".
        multiStream: Without effect: the encoder's settings decide about simulcast.
        maxResolution: Without effect: the source decides.
        preferredProtocol: Without effect: connections try UDP first.
        debugMode: Without effect: use `logging`.
        defaultCamera: Without effect: the first camera is used.
        codecSwitchEnabled: Without effect: what everybody can decode is sent.
    """

    meetingId: str
    name: str
    micEnabled: bool
    webcamEnabled: bool
    customMicrophoneAudioTrack: MediaSource | None
    customCameraVideoTrack: MediaSource | None
    signalingBaseUrl: str
    autoConsume: bool
    mode: str
    multiStream: bool
    maxResolution: str
    preferredProtocol: str
    debugMode: bool
    defaultCamera: str
    codecSwitchEnabled: bool


OPTIONS: Final = tuple(MeetingOptions.__annotations__)
"""The options that `initMeeting` takes."""

_WITHOUT_EFFECT: Final = frozenset(
    {
        "multiStream",
        "maxResolution",
        "preferredProtocol",
        "debugMode",
        "defaultCamera",
        "codecSwitchEnabled",
    }
)

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "participantId": "The service gives ids; read Meeting.localParticipant.id after joining.",
        "metaData": "Send it with Meeting.send after joining.",
        "pubsubWorkerUrl": "Messages go through the service itself.",
    }
)
"""The options that would have to have an effect and have none, and what to do."""


@dataclass(frozen=True, slots=True)
class MeetingSettings:
    """The options of a meeting, checked.

    Attributes:
        service_url: None for the default of `CallClientOptions`.
    """

    meeting_id: str
    name: str = ""
    mic_enabled: bool = False
    webcam_enabled: bool = False
    microphone: MediaSource | None = None
    camera: MediaSource | None = None
    service_url: str | None = None


def read_meeting_options(
    bag: Mapping[str, Any] | None, keywords: Mapping[str, Any]
) -> MeetingSettings:
    """Read the bag and the keywords of `initMeeting`, which say the same.

    Raises:
        InvalidArgumentError: An option is unknown, refused, missing, given twice, or of the wrong
            type.
    """
    given = dict(bag or {})
    if twice := given.keys() & keywords.keys():
        raise InvalidArgumentError(f"initMeeting has {', '.join(sorted(twice))} twice.")
    given |= keywords
    for name, value in given.items():
        _check_name(name, value)
    if _read(given, "autoConsume", bool) is False:
        raise _wrong("autoConsume", "Everything is received; use Stream.pause for what is not.")
    if _read(given, "mode", str) not in (None, "SEND_AND_RECV"):
        raise _wrong("mode", "Everybody is SEND_AND_RECV; send nothing to be a viewer.")
    meeting_id = _read(given, "meetingId", str)
    if not meeting_id:
        raise InvalidArgumentError(
            "initMeeting needs a meetingId.", next_step="create_room makes one."
        )
    return MeetingSettings(
        meeting_id,
        _read(given, "name", str) or "",
        _read(given, "micEnabled", bool) or False,
        _read(given, "webcamEnabled", bool) or False,
        _source(given, "customMicrophoneAudioTrack", "audio"),
        _source(given, "customCameraVideoTrack", "video"),
        _read(given, "signalingBaseUrl", str),
    )


def _check_name(name: str, value: object) -> None:
    if name in REFUSED:
        if value is not None:
            raise _wrong(name, REFUSED[name])
    elif name not in OPTIONS:
        near = difflib.get_close_matches(str(name), OPTIONS, n=1, cutoff=0.5)
        advice = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(OPTIONS))}."
        raise InvalidArgumentError(f"initMeeting has no option {name!r}.", next_step=advice)
    elif name in _WITHOUT_EFFECT and value is not None:
        _log.info("Option %s of initMeeting has no effect here.", name)


def _wrong(name: str, advice: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"initMeeting cannot do that with {name}.", next_step=advice)


def _read(given: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidArgumentError(f"Option {name} of initMeeting is a {kind.__name__}.")
    return value


def _source(given: Mapping[str, Any], name: str, kind: str) -> MediaSource | None:
    # An abstract class is no `type[_T]` for mypy, so this one is checked here.
    value = given.get(name)
    if value is None or (isinstance(value, MediaSource) and value.kind == kind):
        return value
    raise InvalidArgumentError(f"Option {name} of initMeeting is a source of {kind}.")
