"""`VideoSDK`: the token, and meetings.

Source: `VideoSDK` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Unpack, final

from acs_core import InvalidArgumentError, InvalidStateError
from mapping.videosdk.absent import not_provided
from mapping.videosdk.meeting import Meeting
from mapping.videosdk.options import MeetingOptions, read_meeting_options

__all__ = ["VideoSDK"]

_DEVICES: Final = "Use DeviceManager of acs_core."
_SOURCES: Final = "Make a source of acs_core.media.sources, or a device's by DeviceManager."
_E2EE: Final = "Media is encrypted to the service and from it, not from end to end."


@final
class VideoSDK:
    """The global of VideoSDK's scripts, and what its package exports by default."""

    _token: ClassVar[str] = ""

    @classmethod
    def config(cls, token: str) -> None:
        """Use a token for the meetings that are made from now on.

        It is one of the service's: an ACS user token (`issue_user_token`), or a Twilio access token
        (`access_token`). Several participants may use one ACS token. A Twilio token makes a room
        that is not there, may be for one room, and is for one participant: who comes later with
        the same identity takes the place of who came before.

        Raises:
            InvalidArgumentError: It is no text, or empty.
        """
        if not isinstance(token, str) or not token:
            raise InvalidArgumentError("VideoSDK.config takes a token.")
        cls._token = token

    @classmethod
    def initMeeting(
        cls, options: Mapping[str, Any] | None = None, **keywords: Unpack[MeetingOptions]
    ) -> Meeting:
        """Prepare a meeting; `Meeting.join` enters it.

        Args:
            options: VideoSDK's bag, see `MeetingOptions`.
            **keywords: The same.

        Raises:
            InvalidStateError: There was no `config`.
            InvalidArgumentError: An option is unknown, refused, missing or of the wrong type.
        """
        if not cls._token:
            raise InvalidStateError(
                "There is no token.", next_step="Call VideoSDK.config with one first."
            )
        return Meeting(cls._token, read_meeting_options(options, keywords))

    createCameraVideoTrack = not_provided("VideoSDK.createCameraVideoTrack", _SOURCES)
    createScreenShareVideoTrack = not_provided("VideoSDK.createScreenShareVideoTrack", _SOURCES)
    createMicrophoneAudioTrack = not_provided("VideoSDK.createMicrophoneAudioTrack", _SOURCES)
    getCameras = not_provided("VideoSDK.getCameras", _DEVICES)
    getMicrophones = not_provided("VideoSDK.getMicrophones", _DEVICES)
    getPlaybackDevices = not_provided("VideoSDK.getPlaybackDevices", _DEVICES)
    getDevices = not_provided("VideoSDK.getDevices", _DEVICES)
    on = not_provided("VideoSDK.on", _DEVICES)
    off = not_provided("VideoSDK.off", _DEVICES)
    checkPermissions = not_provided("VideoSDK.checkPermissions", _DEVICES)
    requestPermission = not_provided("VideoSDK.requestPermission", _DEVICES)
    setKeyProvider = not_provided("VideoSDK.setKeyProvider", _E2EE)
    setLogLevel = not_provided("VideoSDK.setLogLevel", "Use logging, logger acs_core.")
    runPreCallTest = not_provided(
        "VideoSDK.runPreCallTest", "Use Features.PRE_CALL_DIAGNOSTICS of CallClient."
    )
