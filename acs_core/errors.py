"""Everything `acs_core` raises, as one tree.

The class answers "what may I do about it", the code answers "what was it"::

    CallingError                     code, sub_code, stage, next_step
    ├── InvalidStateError            I misused it: not now (also RuntimeError)
    ├── InvalidArgumentError         I misused it: not this value (also ValueError)
    ├── ProtocolError                the peer broke the protocol
    │   └── MalformedPacketError     SDP, STUN, RTP, RTCP or a media payload that cannot be read
    ├── TransportError               the network failed; trying again may help
    │   └── DeadlineError            it took too long (also TimeoutError)
    ├── ServiceError                 the service refused; trying again will not help
    │   └── AuthenticationError      the token was refused
    └── MediaError                   a device, file, encoder or decoder failed
        └── SourceUnavailableError   the camera, microphone, screen or file cannot be opened

`code` and `sub_code` are those of the ACS Calling SDK where it has one, for instance
412/43000 for a camera that cannot be started.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

__all__ = [
    "AuthenticationError",
    "CallingError",
    "CommunicationServicesError",
    "DeadlineError",
    "InvalidArgumentError",
    "InvalidStateError",
    "MalformedPacketError",
    "MediaError",
    "ProtocolError",
    "ServiceError",
    "SourceUnavailableError",
    "Stage",
    "TransportError",
]


class Stage(StrEnum):
    """Where on the way from an argument to media something failed; `STATE`: at the wrong time."""

    ARGUMENT = "argument"
    TOKEN = "token"
    SIGNALING = "signaling"
    ADMISSION = "admission"
    NEGOTIATION = "negotiation"
    ICE = "ice"
    DTLS = "dtls"
    MEDIA = "media"
    DEVICE = "device"
    DATA = "data"
    STATE = "state"


class CallingError(Exception):
    """The root of everything `acs_core` raises.

    Attributes:
        message: What happened, to which object.
        code: HTTP-like code as the ACS Calling SDK uses it; 0 where there is none.
        sub_code: The vendor's finer code; 0 where there is none.
        stage: Where it happened, or None where nobody can tell.
        next_step: What to do about it; at the least what helps with errors of its kind.
        advice: The next step as far as it is about this very error, else empty. It is part of
            the text.
    """

    default_code: ClassVar[int] = 500
    default_stage: ClassVar[Stage | None] = None
    default_next_step: ClassVar[str] = "See the log of acs_core at level DEBUG."

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        sub_code: int = 0,
        stage: Stage | None = None,
        next_step: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.sub_code = sub_code
        self.stage = stage or self.default_stage
        self.next_step = next_step or self.default_next_step
        self.advice = next_step

    def __str__(self) -> str:
        where = f" [{self.stage}]" if self.stage else ""
        codes = f" ({self.code}/{self.sub_code})" if self.sub_code else f" ({self.code})"
        advice = f" {self.advice}" if self.advice else ""
        return f"{self.message}{where}{codes}{advice}"


CommunicationServicesError = CallingError
"""What the ACS Calling SDK calls its errors."""


class InvalidStateError(CallingError, RuntimeError):
    """The object cannot do that in its present state."""

    default_code = 412
    default_stage = Stage.STATE
    default_next_step = (
        "Look at the state of the object first, or wait for the event that changes it."
    )


class InvalidArgumentError(CallingError, ValueError):
    """A value that the operation cannot work with."""

    default_code = 400
    default_stage = Stage.ARGUMENT
    default_next_step = "Correct the argument; the message says what fits."


class ProtocolError(CallingError):
    """The other end sent something that the protocol does not allow."""

    default_code = 400
    default_stage = Stage.SIGNALING
    default_next_step = "Use versions of client and service that fit each other."


class MalformedPacketError(ProtocolError, ValueError):
    """Bytes or text that cannot be parsed; nothing was changed by them."""


class TransportError(CallingError):
    """The network failed; the operation may be tried again."""

    default_code = 408
    default_stage = Stage.SIGNALING
    default_next_step = "Check the network, then try again."


class DeadlineError(TransportError, TimeoutError):
    """An operation did not finish before its deadline."""


class ServiceError(CallingError):
    """The service refused the operation."""

    default_code = 403
    default_stage = Stage.SIGNALING
    default_next_step = "The code says why; change that before trying again."


class AuthenticationError(ServiceError):
    """The service refused the token."""

    default_code = 401
    default_stage = Stage.TOKEN
    default_next_step = "Get another token for this service."


class MediaError(CallingError):
    """Media could not be captured, encoded, decoded or written."""

    default_stage = Stage.MEDIA
    default_next_step = "Check that the device or file works in another program."


class SourceUnavailableError(MediaError):
    """A camera, microphone, screen or file cannot be opened.

    Source: ACS Calling error 412/43000, `LOCAL_VIDEO_STREAM.SOURCE_UNAVAILABLE`.
    """

    default_code = 412
    default_stage = Stage.DEVICE
    default_next_step = "Close other programs that use the device, or choose another one."
