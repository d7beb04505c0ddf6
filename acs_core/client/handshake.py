"""The beginning of a WebSocket to the service: its address, hello and welcome, and refusals.

`signaling.py` decides when there is to be one, and what is said on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp

from acs_core import wire
from acs_core.errors import (
    AuthenticationError,
    CallingError,
    InvalidArgumentError,
    ProtocolError,
    ServiceError,
    Stage,
    TransportError,
)
from acs_core.version import __version__

__all__ = ["abandon", "check_request", "error_from", "shake_hands", "websocket_url"]

CLOSE_TIMEOUT: Final = 1.0


async def shake_hands(
    http: aiohttp.ClientSession,
    url: str,
    token: Callable[[], Awaitable[str]],
    resume: wire.Resume | None,
    *,
    proxy: str | None = None,
) -> tuple[aiohttp.ClientWebSocketResponse, wire.Welcome]:
    """Open a WebSocket and introduce ourselves; the caller sets the deadline.

    Args:
        http: Opens it.
        url: As `websocket_url` gives it.
        token: Of the user; asked for now.
        resume: The session that is to go on; None for a new one.
        proxy: URL of an HTTP proxy.

    Raises:
        TransportError: The service cannot be reached, or what is resumed has no token now.
        AuthenticationError: It refuses the token, or there is none.
        ServiceError: It refuses the session.
        ProtocolError: It says something else than welcome.
    """
    try:
        issued = await token()
    except AuthenticationError as error:
        if resume is None:
            raise
        # The refresher needs the network that was lost; it is asked again.
        raise TransportError("There is no valid token.", stage=Stage.TOKEN) from error
    socket = await _connect(http, url, proxy)
    try:
        hello = wire.Hello(
            version=wire.PROTOCOL_VERSION,
            token=issued,
            client=f"twilio-compat/{__version__}",
            resume=resume,
        )
        await socket.send_str(wire.encode(hello))
        welcome = await _expect_welcome(socket)
    except ConnectionError as error:
        await abandon(socket)
        raise TransportError(
            f"The connection to {url} was lost: {error}.", stage=Stage.SIGNALING
        ) from error
    except BaseException:
        # Without its welcome, a new session is one that nobody can resume.
        await abandon(socket, is_over=resume is None)
        raise
    return socket, welcome


async def _connect(
    http: aiohttp.ClientSession, url: str, proxy: str | None
) -> aiohttp.ClientWebSocketResponse:
    try:
        return await http.ws_connect(
            url,
            proxy=proxy,
            max_msg_size=16 * wire.MESSAGE_LIMIT,
            autoping=True,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise TransportError(
            f"The service at {url} cannot be reached: {error}.",
            stage=Stage.SIGNALING,
            next_step="Check the address and that the service runs (`twilio-compat serve`).",
        ) from error


async def _expect_welcome(socket: aiohttp.ClientWebSocketResponse) -> wire.Welcome:
    message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise TransportError(
            f"The service closed the connection ({socket.close_code}).",
            stage=Stage.SIGNALING,
        )
    answer = wire.decode_service(message.data)
    if isinstance(answer, wire.Failed):
        raise error_from(answer)
    if not isinstance(answer, wire.Welcome):
        raise ProtocolError("The service did not say welcome.", stage=Stage.SIGNALING)
    return answer


async def abandon(socket: aiohttp.ClientWebSocketResponse, *, is_over: bool = False) -> None:
    """Close a WebSocket; the service keeps the session for a resume unless that `is_over`."""
    code = aiohttp.WSCloseCode.OK if is_over else aiohttp.WSCloseCode.GOING_AWAY
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        await socket.close(code=code)


def error_from(failed: wire.Failed) -> CallingError:
    """The exception for what the service refused."""
    kind: type[CallingError]
    if failed.code == 401 or 20101 <= failed.sub_code <= 20107:
        kind = AuthenticationError
    elif failed.code in (408, 503):
        kind = TransportError
    else:
        kind = ServiceError
    return kind(
        failed.message,
        code=failed.code,
        sub_code=failed.sub_code,
        stage=failed.stage,
        next_step=failed.next_step,
    )


def check_request(request: wire.Request) -> None:
    """Refuse what the service would close the connection at, and again at each repetition.

    Raises:
        InvalidArgumentError: 413: it is larger than the service reads; 400: something in it is of a
            wrong type.
    """
    kind = type(request.body).__name__
    try:
        text = wire.encode(request)
    except (TypeError, ValueError) as error:
        raise _wrong_type(kind, str(error)) from error
    size = len(text.encode())
    if size >= wire.MESSAGE_LIMIT:
        raise InvalidArgumentError(
            f"A {kind} request of {size} bytes is too large.",
            code=413,
            stage=Stage.ARGUMENT,
            next_step=f"Stay below {wire.MESSAGE_LIMIT} bytes; name fewer people at once.",
        )
    try:
        wire.decode_client(text)
    except ProtocolError as error:
        raise _wrong_type(kind, error.message) from error


def _wrong_type(kind: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"A {kind} request cannot hold that: {why}",
        next_step="Give values of the types that the method is annotated with.",
    )


def websocket_url(url: str) -> str:
    """Where the WebSocket of a service is.

    Args:
        url: Of the service, or of the WebSocket itself.
    """
    base = url.rstrip("/")
    for http, websocket in (("https://", "wss://"), ("http://", "ws://")):
        if base.startswith(http):
            return websocket + base.removeprefix(http) + "/calls/ws"
    return base if base.startswith(("ws://", "wss://")) else f"ws://{base}/calls/ws"
