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
    """Where on the way from an argument to media something failed."""

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


class CallingError(Exception):
    """The root of everything `acs_core` raises.

    Attributes:
        message: What happened, to which object.
        code: HTTP-like code as the ACS Calling SDK uses it; 0 where there is none.
        sub_code: The vendor's finer code; 0 where there is none.
        stage: Where it happened, or None.
        next_step: What to do about it; empty when nothing can be advised.
    """

    default_code = 500

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
        self.stage = stage
        self.next_step = next_step

    def __str__(self) -> str:
        where = f" [{self.stage}]" if self.stage else ""
        codes = f" ({self.code}/{self.sub_code})" if self.sub_code else f" ({self.code})"
        advice = f" {self.next_step}" if self.next_step else ""
        return f"{self.message}{where}{codes}{advice}"


CommunicationServicesError = CallingError
"""What the ACS Calling SDK calls its errors."""


class InvalidStateError(CallingError, RuntimeError):
    """The object cannot do that in its present state."""

    default_code = 412


class InvalidArgumentError(CallingError, ValueError):
    """A value that the operation cannot work with."""

    default_code = 400


class ProtocolError(CallingError):
    """The other end sent something that the protocol does not allow."""

    default_code = 400


class MalformedPacketError(ProtocolError, ValueError):
    """Bytes or text that cannot be parsed; nothing was changed by them."""


class TransportError(CallingError):
    """The network failed; the operation may be tried again."""

    default_code = 408


class DeadlineError(TransportError, TimeoutError):
    """An operation did not finish before its deadline."""


class ServiceError(CallingError):
    """The service refused the operation."""

    default_code = 403


class AuthenticationError(ServiceError):
    """The service refused the token."""

    default_code = 401


class MediaError(CallingError):
    """Media could not be captured, encoded, decoded or written."""


class SourceUnavailableError(MediaError):
    """A camera, microphone, screen or file cannot be opened.

    Source: ACS Calling error 412/43000, `LOCAL_VIDEO_STREAM.SOURCE_UNAVAILABLE`.
    """

    default_code = 412
