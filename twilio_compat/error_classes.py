"""The classes of Twilio's errors, one per code; `errors.py` is where to import them from.

Class names are those of twilio-video.js 2.36; 53119 and 53216, of which it makes plain errors, have
the names of Twilio's SDK for iOS.
"""

from __future__ import annotations

from typing import ClassVar, Final

from twilio_compat.error_details import DETAILS, ErrorDetails


class TwilioError(Exception):
    """Something failed in a way that Twilio has a code for.

    Attributes:
        code: Twilio's error code; 0 when there is none.
        message: Twilio's text for the code.
        name: Always "TwilioError", as in JavaScript; the class tells errors apart.
        explanation: What happened this time if known, else what the code means.
        causes: What usually leads to it.
        solutions: What to do about it.
        next_step: What to do about it this time if known, else the first of the solutions.

    `__cause__` leads to the error of `acs_core` or of the operating system behind it. As text it
    is Twilio's message, and behind it what happened this time and what to do, where that is known.
    """

    code: int
    message: str
    details: ClassVar[ErrorDetails] = ErrorDetails(0, "Unknown error")
    name: Final = "TwilioError"

    def __init__(
        self,
        code: int | None = None,
        message: str | None = None,
        *,
        explanation: str = "",
        next_step: str = "",
    ) -> None:
        details = self.details
        self.code = details.code if code is None else code
        self.message = details.message if message is None else message
        self.explanation: str = explanation or details.explanation
        self.causes: tuple[str, ...] = details.causes
        self.solutions: tuple[str, ...] = details.solutions
        self.next_step: str = next_step or next(iter(details.solutions), "")
        self._this_time = f"{explanation} {next_step}".strip()
        super().__init__(self.code, self.message)

    def __str__(self) -> str:
        text = f"{self.name} {self.code}: {self.message}"
        return f"{text}. {self._this_time}" if self._this_time else text


class AccessTokenInvalidError(TwilioError):
    """Code 20101: Invalid Access Token."""

    details = DETAILS[20101]


class AccessTokenHeaderInvalidError(TwilioError):
    """Code 20102: Invalid Access Token header."""

    details = DETAILS[20102]


class AccessTokenIssuerInvalidError(TwilioError):
    """Code 20103: Invalid Access Token issuer/subject."""

    details = DETAILS[20103]


class AccessTokenExpiredError(TwilioError):
    """Code 20104: Access Token expired or expiration date invalid."""

    details = DETAILS[20104]


class AccessTokenNotYetValidError(TwilioError):
    """Code 20105: Access Token not yet valid."""

    details = DETAILS[20105]


class AccessTokenGrantsInvalidError(TwilioError):
    """Code 20106: Invalid Access Token grants."""

    details = DETAILS[20106]


class AccessTokenSignatureInvalidError(TwilioError):
    """Code 20107: Invalid Access Token signature."""

    details = DETAILS[20107]


class SignalingConnectionError(TwilioError):
    """Code 53000: Signaling connection error."""

    details = DETAILS[53000]


class SignalingConnectionDisconnectedError(TwilioError):
    """Code 53001: Signaling connection disconnected."""

    details = DETAILS[53001]


class SignalingConnectionTimeoutError(TwilioError):
    """Code 53002: Signaling connection timed out."""

    details = DETAILS[53002]


class SignalingIncomingMessageInvalidError(TwilioError):
    """Code 53003: Client received an invalid signaling message."""

    details = DETAILS[53003]


class SignalingOutgoingMessageInvalidError(TwilioError):
    """Code 53004: Client sent an invalid signaling message."""

    details = DETAILS[53004]


class SignalingServerBusyError(TwilioError):
    """Code 53006: Video server is busy."""

    details = DETAILS[53006]


class RoomNameInvalidError(TwilioError):
    """Code 53100: Room name is invalid."""

    details = DETAILS[53100]


class RoomNameTooLongError(TwilioError):
    """Code 53101: Room name is too long."""

    details = DETAILS[53101]


class RoomNameCharsInvalidError(TwilioError):
    """Code 53102: Room name contains invalid characters."""

    details = DETAILS[53102]


class RoomCreateFailedError(TwilioError):
    """Code 53103: Unable to create Room."""

    details = DETAILS[53103]


class RoomConnectFailedError(TwilioError):
    """Code 53104: Unable to connect to Room."""

    details = DETAILS[53104]


class RoomMaxParticipantsExceededError(TwilioError):
    """Code 53105: Room contains too many Participants."""

    details = DETAILS[53105]


class RoomNotFoundError(TwilioError):
    """Code 53106: Room not found."""

    details = DETAILS[53106]


class RoomMaxParticipantsOutOfRangeError(TwilioError):
    """Code 53107: MaxParticipants is out of range."""

    details = DETAILS[53107]


class RoomTypeInvalidError(TwilioError):
    """Code 53108: RoomType is not valid."""

    details = DETAILS[53108]


class RoomTimeoutOutOfRangeError(TwilioError):
    """Code 53109: Timeout is out of range."""

    details = DETAILS[53109]


class RoomStatusCallbackMethodInvalidError(TwilioError):
    """Code 53110: StatusCallbackMethod is invalid."""

    details = DETAILS[53110]


class RoomStatusCallbackInvalidError(TwilioError):
    """Code 53111: StatusCallback is invalid."""

    details = DETAILS[53111]


class RoomStatusInvalidError(TwilioError):
    """Code 53112: Status is invalid."""

    details = DETAILS[53112]


class RoomRoomExistsError(TwilioError):
    """Code 53113: Room exists."""

    details = DETAILS[53113]


class RoomInvalidParametersError(TwilioError):
    """Code 53114: Room creation parameter(s) incompatible with the Room type."""

    details = DETAILS[53114]


class RoomMediaRegionInvalidError(TwilioError):
    """Code 53115: MediaRegion is invalid."""

    details = DETAILS[53115]


class RoomMediaRegionUnavailableError(TwilioError):
    """Code 53116: There are no media servers available in the MediaRegion."""

    details = DETAILS[53116]


class RoomSubscriptionOperationNotSupportedError(TwilioError):
    """Code 53117: The subscription operation requested is not supported for the Room type."""

    details = DETAILS[53117]


class RoomCompletedError(TwilioError):
    """Code 53118: Room completed."""

    details = DETAILS[53118]


class RoomAccountLimitExceededError(TwilioError):
    """Code 53119: Room account limit exceeded."""

    details = DETAILS[53119]


class RoomAudioOnlyFlagNotSupportedError(TwilioError):
    """Code 53124: The AudioOnly flag is not supported for the Room type."""

    details = DETAILS[53124]


class RoomTrackKindNotSupportedError(TwilioError):
    """Code 53125: The track kind is not supported by the Room."""

    details = DETAILS[53125]


class ParticipantIdentityInvalidError(TwilioError):
    """Code 53200: Participant identity is invalid."""

    details = DETAILS[53200]


class ParticipantIdentityTooLongError(TwilioError):
    """Code 53201: Participant identity is too long."""

    details = DETAILS[53201]


class ParticipantIdentityCharsInvalidError(TwilioError):
    """Code 53202: Participant identity contains invalid characters."""

    details = DETAILS[53202]


class ParticipantMaxTracksExceededError(TwilioError):
    """Code 53203: The maximum number of published tracks has been reached."""

    details = DETAILS[53203]


class ParticipantNotFoundError(TwilioError):
    """Code 53204: Participant not found."""

    details = DETAILS[53204]


class ParticipantDuplicateIdentityError(TwilioError):
    """Code 53205: Participant disconnected because of duplicate identity."""

    details = DETAILS[53205]


class ParticipantSessionLengthExceededError(TwilioError):
    """Code 53216: Participant session length exceeded."""

    details = DETAILS[53216]


class TrackInvalidError(TwilioError):
    """Code 53300: Track is invalid."""

    details = DETAILS[53300]


class TrackNameInvalidError(TwilioError):
    """Code 53301: Track name is invalid."""

    details = DETAILS[53301]


class TrackNameTooLongError(TwilioError):
    """Code 53302: Track name is too long."""

    details = DETAILS[53302]


class TrackNameCharsInvalidError(TwilioError):
    """Code 53303: Track name contains invalid characters."""

    details = DETAILS[53303]


class TrackNameIsDuplicatedError(TwilioError):
    """Code 53304: Track name is duplicated."""

    details = DETAILS[53304]


class TrackServerTrackCapacityReachedError(TwilioError):
    """Code 53305: The server has reached capacity and cannot fulfill this request."""

    details = DETAILS[53305]


class MediaClientLocalDescFailedError(TwilioError):
    """Code 53400: Client is unable to create or apply a local media description."""

    details = DETAILS[53400]


class MediaServerLocalDescFailedError(TwilioError):
    """Code 53401: Server is unable to create or apply a local media description."""

    details = DETAILS[53401]


class MediaClientRemoteDescFailedError(TwilioError):
    """Code 53402: Client is unable to apply a remote media description."""

    details = DETAILS[53402]


class MediaServerRemoteDescFailedError(TwilioError):
    """Code 53403: Server is unable to apply a remote media description."""

    details = DETAILS[53403]


class MediaNoSupportedCodecError(TwilioError):
    """Code 53404: No supported codec."""

    details = DETAILS[53404]


class MediaConnectionError(TwilioError):
    """Code 53405: Media connection failed or Media activity ceased."""

    details = DETAILS[53405]


class MediaDTLSTransportFailedError(TwilioError):
    """Code 53407: Media connection failed due to DTLS handshake failure."""

    details = DETAILS[53407]


class ConfigurationAcquireFailedError(TwilioError):
    """Code 53500: Unable to acquire configuration."""

    details = DETAILS[53500]


class ConfigurationAcquireTurnFailedError(TwilioError):
    """Code 53501: Unable to acquire TURN credentials."""

    details = DETAILS[53501]
