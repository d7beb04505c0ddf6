"""Errors of the facade: Twilio's, made from codes and from the errors of `acs_core`.

`from_core` is the one place where core errors become Twilio's. The sub code
decides first: it is either a Twilio code, which the service uses where ACS has none, or one of
ACS's that has a counterpart. Then the class decides together with the stage, then the class alone.
Misuse (`InvalidArgumentError`, `InvalidStateError`) is in the table for completeness; a facade
method lets it pass (`passes`), since Twilio answers misuse with `TypeError` and `RangeError`, not
with codes.

Source: twilio-video.js 2.36 (class names, `createTwilioError`); ACS Calling SDK 2.0 error table and
the ACS call end code table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from acs_core.errors import (
    AuthenticationError,
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MalformedPacketError,
    MediaError,
    ProtocolError,
    ServiceError,
    SourceUnavailableError,
    Stage,
    TransportError,
)
from twilio_compat.error_classes import (
    AccessTokenExpiredError,
    AccessTokenGrantsInvalidError,
    AccessTokenHeaderInvalidError,
    AccessTokenInvalidError,
    AccessTokenIssuerInvalidError,
    AccessTokenNotYetValidError,
    AccessTokenSignatureInvalidError,
    ConfigurationAcquireFailedError,
    ConfigurationAcquireTurnFailedError,
    MediaClientLocalDescFailedError,
    MediaClientRemoteDescFailedError,
    MediaConnectionError,
    MediaDTLSTransportFailedError,
    MediaNoSupportedCodecError,
    MediaServerLocalDescFailedError,
    MediaServerRemoteDescFailedError,
    ParticipantDuplicateIdentityError,
    ParticipantIdentityCharsInvalidError,
    ParticipantIdentityInvalidError,
    ParticipantIdentityTooLongError,
    ParticipantMaxTracksExceededError,
    ParticipantNotFoundError,
    ParticipantSessionLengthExceededError,
    RoomAccountLimitExceededError,
    RoomAudioOnlyFlagNotSupportedError,
    RoomCompletedError,
    RoomConnectFailedError,
    RoomCreateFailedError,
    RoomInvalidParametersError,
    RoomMaxParticipantsExceededError,
    RoomMaxParticipantsOutOfRangeError,
    RoomMediaRegionInvalidError,
    RoomMediaRegionUnavailableError,
    RoomNameCharsInvalidError,
    RoomNameInvalidError,
    RoomNameTooLongError,
    RoomNotFoundError,
    RoomRoomExistsError,
    RoomStatusCallbackInvalidError,
    RoomStatusCallbackMethodInvalidError,
    RoomStatusInvalidError,
    RoomSubscriptionOperationNotSupportedError,
    RoomTimeoutOutOfRangeError,
    RoomTrackKindNotSupportedError,
    RoomTypeInvalidError,
    SignalingConnectionDisconnectedError,
    SignalingConnectionError,
    SignalingConnectionTimeoutError,
    SignalingIncomingMessageInvalidError,
    SignalingOutgoingMessageInvalidError,
    SignalingServerBusyError,
    TrackInvalidError,
    TrackNameCharsInvalidError,
    TrackNameInvalidError,
    TrackNameIsDuplicatedError,
    TrackNameTooLongError,
    TrackServerTrackCapacityReachedError,
    TwilioError,
)

__all__ = [
    "CORE_CODES",
    "ERROR_CLASSES",
    "AccessTokenExpiredError",
    "AccessTokenGrantsInvalidError",
    "AccessTokenHeaderInvalidError",
    "AccessTokenInvalidError",
    "AccessTokenIssuerInvalidError",
    "AccessTokenNotYetValidError",
    "AccessTokenSignatureInvalidError",
    "ConfigurationAcquireFailedError",
    "ConfigurationAcquireTurnFailedError",
    "MediaClientLocalDescFailedError",
    "MediaClientRemoteDescFailedError",
    "MediaConnectionError",
    "MediaDTLSTransportFailedError",
    "MediaNoSupportedCodecError",
    "MediaServerLocalDescFailedError",
    "MediaServerRemoteDescFailedError",
    "ParticipantDuplicateIdentityError",
    "ParticipantIdentityCharsInvalidError",
    "ParticipantIdentityInvalidError",
    "ParticipantIdentityTooLongError",
    "ParticipantMaxTracksExceededError",
    "ParticipantNotFoundError",
    "ParticipantSessionLengthExceededError",
    "RoomAccountLimitExceededError",
    "RoomAudioOnlyFlagNotSupportedError",
    "RoomCompletedError",
    "RoomConnectFailedError",
    "RoomCreateFailedError",
    "RoomInvalidParametersError",
    "RoomMaxParticipantsExceededError",
    "RoomMaxParticipantsOutOfRangeError",
    "RoomMediaRegionInvalidError",
    "RoomMediaRegionUnavailableError",
    "RoomNameCharsInvalidError",
    "RoomNameInvalidError",
    "RoomNameTooLongError",
    "RoomNotFoundError",
    "RoomRoomExistsError",
    "RoomStatusCallbackInvalidError",
    "RoomStatusCallbackMethodInvalidError",
    "RoomStatusInvalidError",
    "RoomSubscriptionOperationNotSupportedError",
    "RoomTimeoutOutOfRangeError",
    "RoomTrackKindNotSupportedError",
    "RoomTypeInvalidError",
    "SignalingConnectionDisconnectedError",
    "SignalingConnectionError",
    "SignalingConnectionTimeoutError",
    "SignalingIncomingMessageInvalidError",
    "SignalingOutgoingMessageInvalidError",
    "SignalingServerBusyError",
    "TrackInvalidError",
    "TrackNameCharsInvalidError",
    "TrackNameInvalidError",
    "TrackNameIsDuplicatedError",
    "TrackNameTooLongError",
    "TrackServerTrackCapacityReachedError",
    "TwilioError",
    "create_twilio_error",
    "from_core",
    "passes",
]

ERROR_CLASSES: Final[Mapping[int, type[TwilioError]]] = MappingProxyType(
    {
        error.details.code: error
        for error in (
            AccessTokenInvalidError,
            AccessTokenHeaderInvalidError,
            AccessTokenIssuerInvalidError,
            AccessTokenExpiredError,
            AccessTokenNotYetValidError,
            AccessTokenGrantsInvalidError,
            AccessTokenSignatureInvalidError,
            SignalingConnectionError,
            SignalingConnectionDisconnectedError,
            SignalingConnectionTimeoutError,
            SignalingIncomingMessageInvalidError,
            SignalingOutgoingMessageInvalidError,
            SignalingServerBusyError,
            RoomNameInvalidError,
            RoomNameTooLongError,
            RoomNameCharsInvalidError,
            RoomCreateFailedError,
            RoomConnectFailedError,
            RoomMaxParticipantsExceededError,
            RoomNotFoundError,
            RoomMaxParticipantsOutOfRangeError,
            RoomTypeInvalidError,
            RoomTimeoutOutOfRangeError,
            RoomStatusCallbackMethodInvalidError,
            RoomStatusCallbackInvalidError,
            RoomStatusInvalidError,
            RoomRoomExistsError,
            RoomInvalidParametersError,
            RoomMediaRegionInvalidError,
            RoomMediaRegionUnavailableError,
            RoomSubscriptionOperationNotSupportedError,
            RoomCompletedError,
            RoomAccountLimitExceededError,
            RoomAudioOnlyFlagNotSupportedError,
            RoomTrackKindNotSupportedError,
            ParticipantIdentityInvalidError,
            ParticipantIdentityTooLongError,
            ParticipantIdentityCharsInvalidError,
            ParticipantMaxTracksExceededError,
            ParticipantNotFoundError,
            ParticipantDuplicateIdentityError,
            ParticipantSessionLengthExceededError,
            TrackInvalidError,
            TrackNameInvalidError,
            TrackNameTooLongError,
            TrackNameCharsInvalidError,
            TrackNameIsDuplicatedError,
            TrackServerTrackCapacityReachedError,
            MediaClientLocalDescFailedError,
            MediaServerLocalDescFailedError,
            MediaClientRemoteDescFailedError,
            MediaServerRemoteDescFailedError,
            MediaNoSupportedCodecError,
            MediaConnectionError,
            MediaDTLSTransportFailedError,
            ConfigurationAcquireFailedError,
            ConfigurationAcquireTurnFailedError,
        )
    }
)
"""Every class by its code."""

# ACS's finer codes that mean what one of Twilio's means; the first two groups are of tokens.
_SUB_CODES: Final[Mapping[int, int]] = MappingProxyType(
    {
        **dict.fromkeys((44108, 44109, 44110, 44111, 44112, 44117, 4507), 20101),
        **dict.fromkeys((44113, 44114, 44115, 44116, 40229), 20106),
        40233: 20103,
        40235: 20104,
        **dict.fromkeys((40209, 40210), 53100),
        5828: 53104,  # not invited to the room
        5829: 53106,  # outside the room's time
        41105: 53125,
        **dict.fromkeys((44003, 44004, 44009, 44010), 53200),
        40215: 53201,
        41044: 53203,
        41054: 53204,
        40228: 53205,
        41045: 53300,
        40003: 53501,
        # Call ends: ended for everyone, media lost.
        4097: 53118,
        301005: 53405,
    }
)

CORE_CODES: Final[Mapping[tuple[type[CallingError], Stage | None], int]] = MappingProxyType(
    {
        (CallingError, None): 53000,
        (InvalidStateError, None): 53104,
        (InvalidArgumentError, None): 53104,
        (ProtocolError, None): 53003,
        (ProtocolError, Stage.NEGOTIATION): 53402,
        (ProtocolError, Stage.ICE): 53405,
        (ProtocolError, Stage.DTLS): 53407,
        (ProtocolError, Stage.MEDIA): 53405,
        (MalformedPacketError, None): 53003,
        (MalformedPacketError, Stage.NEGOTIATION): 53402,
        (MalformedPacketError, Stage.MEDIA): 53405,
        (TransportError, None): 53000,
        (TransportError, Stage.TOKEN): 53500,
        (TransportError, Stage.NEGOTIATION): 53405,
        (TransportError, Stage.ICE): 53405,
        (TransportError, Stage.DTLS): 53407,
        (TransportError, Stage.MEDIA): 53405,
        (DeadlineError, None): 53002,
        (DeadlineError, Stage.TOKEN): 53500,
        (DeadlineError, Stage.NEGOTIATION): 53405,
        (DeadlineError, Stage.ICE): 53405,
        (DeadlineError, Stage.DTLS): 53407,
        (DeadlineError, Stage.MEDIA): 53405,
        (ServiceError, None): 53104,
        (ServiceError, Stage.NEGOTIATION): 53403,
        (AuthenticationError, None): 20101,
        (MediaError, None): 53400,
        (SourceUnavailableError, None): 53300,
    }
)
"""Every class of `acs_core.errors`, alone and where the stage makes a difference."""

# HTTP's "too many requests" and "service unavailable".
_BUSY: Final = frozenset({429, 503})


def create_twilio_error(code: int, message: str | None = None) -> TwilioError:
    """The error of a code that came over the wire.

    Args:
        code: Twilio's error code; an unknown one gives a plain `TwilioError`.
        message: What the service said. A known code keeps Twilio's own text as `message`, and this
            becomes its `explanation`.

    Source: `createTwilioError` of twilio-video.js.
    """
    error_class = ERROR_CLASSES.get(code)
    if error_class is None:
        return TwilioError(code, message or None)
    return error_class(explanation=message or "")


def from_core(error: CallingError, *, default: int | None = None) -> TwilioError:
    """The Twilio error that stands for an error of `acs_core`, which becomes its `__cause__`.

    Args:
        error: Its message and next step are kept.
        default: The code where only the class of `error` would decide; a room that ended has
            53001 there.
    """
    code = _twilio_code(error.sub_code)
    if code is None and error.code in _BUSY:
        code = 53006
    if code is None:
        code = default or _code_by_class(error)
    twilio_error = ERROR_CLASSES[code](explanation=error.message, next_step=error.advice)
    twilio_error.__cause__ = error
    return twilio_error


def passes(error: CallingError) -> bool:
    """Whether a facade method lets an error pass, because Twilio has no code for it.

    That is misuse, unless the service found a fault with one of Twilio's codes, and what a device
    or file of this program does: Twilio passes the browser's error on, too.
    """
    if isinstance(error, InvalidArgumentError | InvalidStateError):
        return _twilio_code(error.sub_code) is None
    return isinstance(error, MediaError)


def _twilio_code(sub_code: int) -> int | None:
    return sub_code if sub_code in ERROR_CLASSES else _SUB_CODES.get(sub_code)


def _code_by_class(error: CallingError) -> int:
    if isinstance(error, ServiceError) and error.code == 404:
        return 53106
    keys = ((base, stage) for base in type(error).__mro__ for stage in (error.stage, None))
    return next(CORE_CODES[key] for key in keys if key in CORE_CODES)
