"""Messages as JSON text, and the limits that are part of the protocol."""

from __future__ import annotations

from typing import Final

import msgspec

from acs_core.errors import ProtocolError, Stage
from acs_core.wire.deliveries import ServiceMessage
from acs_core.wire.requests import ClientMessage

__all__ = [
    "HELLO_LIMIT",
    "MESSAGE_LIMIT",
    "PROTOCOL_VERSION",
    "decode_client",
    "decode_service",
    "encode",
]

PROTOCOL_VERSION: Final = 1
HELLO_LIMIT: Final = 64 * 1024
MESSAGE_LIMIT: Final = 256 * 1024

_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_service_decoder: msgspec.json.Decoder[ServiceMessage] = msgspec.json.Decoder(ServiceMessage)
_encoder = msgspec.json.Encoder()


def encode(message: ClientMessage | ServiceMessage) -> str:
    """A message as JSON text."""
    return _encoder.encode(message).decode()


def decode_client(text: str, *, limit: int = MESSAGE_LIMIT) -> ClientMessage:
    """Read what a client sent.

    Raises:
        ProtocolError: Not JSON, too large, too deep, or not one of the messages.
    """
    _check(text, limit)
    try:
        # Deep nesting ends in the decoder's own guard against recursion, a RecursionError.
        return _client_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"Unreadable message: {error}", stage=Stage.SIGNALING) from error


def decode_service(text: str, *, limit: int = 16 * MESSAGE_LIMIT) -> ServiceMessage:
    """Read what the service sent.

    Raises:
        ProtocolError: Not JSON, too large, too deep, or not one of the messages.
    """
    _check(text, limit)
    try:
        return _service_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ProtocolError(f"Unreadable message: {error}", stage=Stage.SIGNALING) from error


def _check(text: str, limit: int) -> None:
    if len(text) > limit:
        raise ProtocolError(
            f"Message of {len(text)} characters; {limit} are allowed.",
            code=413,
            stage=Stage.SIGNALING,
        )
