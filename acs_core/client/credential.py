"""The user's token on the client, renewed in time.

Deciding is pure (`decode_token`, `renewal_time`); `AzureCommunicationTokenCredential` is the shell
that calls the application's refresher. At most one refresh runs, whoever waits for it; it is the
credential's own task, so a caller that is cancelled does not take it away from the others.

Source: `AzureCommunicationTokenCredential` and `CommunicationTokenRefreshOptions` of
@azure/communication-common 2.5: renewal ten minutes before the end, or after half of what is left
when that is less. A token without refresher is handed out as it is; the service judges it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from acs_core.errors import (
    AuthenticationError,
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    Stage,
)

__all__ = [
    "AccessToken",
    "AzureCommunicationTokenCredential",
    "CommunicationTokenRefreshOptions",
    "TokenLike",
    "TokenRefresher",
    "decode_token",
    "renewal_time",
]

_log = logging.getLogger(__name__)

RENEWAL_WINDOW: Final = 600.0
REFRESH_TIMEOUT: Final = 30.0
# A refresher that hands out tokens which are about to end must not be called in a loop.
SHORTEST_RENEWAL_WAIT: Final = 1.0
RETRY_AFTER_FAILURE: Final = 10.0

_NO_TOKEN: Final = 44108
_EMPTY_TOKEN: Final = 44109
_GET_TOKEN: Final = 44110
_PARSE_TOKEN_FAIL: Final = 44117
_WRONG_USER: Final = 40233
_EXPIRED: Final = 40235


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and what it says of itself.

    Attributes:
        token: The secret text.
        expires_on: Unix seconds.
        raw_id: The user it is for; empty when the token does not name one (Twilio's do not).
    """

    token: str = field(repr=False)
    expires_on: float
    raw_id: str = ""


class TokenLike(Protocol):
    """What Azure's clients return for a token; its expiry is read from the token itself."""

    @property
    def token(self) -> str:
        """The secret text."""
        ...


TokenRefresher: TypeAlias = Callable[[], Awaitable[str | TokenLike]]


@dataclass(frozen=True, slots=True)
class CommunicationTokenRefreshOptions:
    """How a credential gets its tokens; `AzureCommunicationTokenCredential` says what it means."""

    token_refresher: TokenRefresher
    token: str | TokenLike | None = field(default=None, repr=False)
    refresh_proactively: bool = False
    undecodable_token_expiry_interval_in_seconds: float | None = None


def decode_token(token: str) -> AccessToken:
    """Read expiry and user from a token, without verifying it: that is the service's part.

    Raises:
        AuthenticationError: 401/44109, empty; 401/44117, not a JWT with `exp`.

    Source: RFC 7519 section 4.1.4; claim `skypeid` of ACS user tokens.
    """
    if not token:
        raise _refused("The token is empty.", _EMPTY_TOKEN)
    segments = token.split(".")
    if len(segments) != 3:
        raise _refused("The token is not a JWT.", _PARSE_TOKEN_FAIL)
    payload = segments[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires_on = float(claims["exp"])
        user = claims.get("skypeid")
        if not math.isfinite(expires_on):
            raise ValueError("exp is not a date")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        # Not chained: the parser's message quotes what it read.
        raise _refused("The token's claims cannot be read.", _PARSE_TOKEN_FAIL) from None
    return AccessToken(token, expires_on, f"8:{user}" if isinstance(user, str) else "")


def renewal_time(expires_on: float, *, received_at: float) -> float:
    """When to renew a token, unix seconds.

    Args:
        expires_on: Unix seconds.
        received_at: When we got the token, unix seconds.
    """
    life = expires_on - received_at
    return expires_on - min(RENEWAL_WINDOW, life / 2)


def _refused(message: str, sub_code: int) -> AuthenticationError:
    return AuthenticationError(
        message,
        sub_code=sub_code,
        stage=Stage.TOKEN,
        next_step="Give the credential a user access token from the service's issuer.",
    )


class AzureCommunicationTokenCredential:
    """A user's token, fresh whenever it is asked for.

    Close it with `dispose` (or leave its `with` block) when no call agent uses it any more.

    Args:
        token: The first token; may be left out when there is a refresher. Or all options that the
            ACS SDK knows, in one object; then the other ones of it are left out.
        token_refresher: Coroutine function that returns a new token of the same user.
        refresh_proactively: Renew before the end without being asked, from the first
            `get_token` on.
        undecodable_token_expiry_interval_in_seconds: How long tokens hold that are no JWT with a
            date; without it they are refused.
        refresh_timeout: Seconds that the refresher may take.
        clock: Gives unix seconds.

    Raises:
        AuthenticationError: 401/44108, neither token nor refresher; else as `decode_token`.
        InvalidArgumentError: `refresh_proactively` without refresher.
    """

    def __init__(
        self,
        token: str | TokenLike | CommunicationTokenRefreshOptions | None = None,
        *,
        token_refresher: TokenRefresher | None = None,
        refresh_proactively: bool = False,
        undecodable_token_expiry_interval_in_seconds: float | None = None,
        refresh_timeout: float = REFRESH_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if isinstance(token, CommunicationTokenRefreshOptions):
            options, token = token, token.token
            token_refresher = options.token_refresher
            refresh_proactively = options.refresh_proactively
            undecodable_token_expiry_interval_in_seconds = (
                options.undecodable_token_expiry_interval_in_seconds
            )
        if token is None and token_refresher is None:
            raise _refused("Neither a token nor a token_refresher was given.", _NO_TOKEN)
        if refresh_proactively and token_refresher is None:
            raise InvalidArgumentError(
                "refresh_proactively needs a token_refresher.", stage=Stage.ARGUMENT
            )
        self._refresher = token_refresher
        self._is_proactive = refresh_proactively
        self._timeout = refresh_timeout
        self._clock = clock
        self._undecodable_life = undecodable_token_expiry_interval_in_seconds
        self._current = None if token is None else self._read(token)
        self._renew_at = self._next_renewal()
        self._refreshing: asyncio.Task[AccessToken] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_disposed = False

    async def get_token(self) -> AccessToken:
        """The token to use now, renewed first when it ends soon.

        A failure to renew a token that still holds is logged and the old one returned.

        Raises:
            AuthenticationError: 401/44110, the refresher failed; 401/40235, it gave an expired
                token; 400/40233, one of another user; 401/44117, one that cannot be read.
            DeadlineError: The refresher took too long.
            InvalidStateError: The credential was disposed of.
        """
        self._check_open()
        if self._is_proactive and self._timer is None:
            self._schedule()
        current = self._current
        if current is not None and (self._refresher is None or self._clock() < self._renew_at):
            return current
        try:
            return await self._refresh()
        except CallingError as error:
            self._check_open()
            if current is None or self._clock() >= current.expires_on:
                raise
            _log.warning("could not renew the token, which still holds: %s", error)
            return current

    def dispose(self) -> None:
        """Forget the token and stop renewing; callers that wait get an `InvalidStateError`."""
        self._is_disposed = True
        self._current = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._refreshing is not None:
            self._refreshing.cancel()

    def __enter__(self) -> AzureCommunicationTokenCredential:
        return self

    def __exit__(self, *exception: object) -> None:
        self.dispose()

    async def _refresh(self) -> AccessToken:
        task = self._start_refresh()
        # `wait` leaves the task alone when this caller is cancelled.
        await asyncio.wait({task})
        self._check_open()
        if task.cancelled():
            raise _failed("The token_refresher was cancelled.")
        return task.result()

    def _start_refresh(self) -> asyncio.Task[AccessToken]:
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._renew(), name="token refresh")
            self._refreshing.add_done_callback(self._refreshed)
        return self._refreshing

    def _refreshed(self, task: asyncio.Task[AccessToken]) -> None:
        self._refreshing = None
        has_failed = task.cancelled() or task.exception() is not None
        if self._is_disposed:
            return
        if has_failed:
            _log.info("a token refresh failed")
        else:
            self._current = task.result()
            self._renew_at = self._next_renewal()
        if self._is_proactive:
            self._schedule(at_least=RETRY_AFTER_FAILURE if has_failed else SHORTEST_RENEWAL_WAIT)

    async def _renew(self) -> AccessToken:
        new = self._read(await self._ask())
        if self._clock() >= new.expires_on:
            raise _refused("The token_refresher gave an expired token.", _EXPIRED)
        old = self._current
        if old is not None and old.raw_id and new.raw_id != old.raw_id:
            raise AuthenticationError(
                "The token_refresher gave a token of another user.",
                code=400,
                sub_code=_WRONG_USER,
                stage=Stage.TOKEN,
                next_step="Make one credential and one call agent per user.",
            )
        return new

    async def _ask(self) -> str | TokenLike:
        assert self._refresher is not None
        deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                return await self._refresher()
        except CallingError:
            raise
        except Exception as error:
            if deadline.expired():
                raise DeadlineError(
                    f"The token_refresher took longer than {self._timeout:g} s.", stage=Stage.TOKEN
                ) from error
            raise _failed(f"The token_refresher failed with {type(error).__name__}.") from error

    def _schedule(self, *, at_least: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(
            max(self._renew_at - self._clock(), at_least), self._start_refresh
        )

    def _next_renewal(self) -> float:
        now = self._clock()
        return (
            now
            if self._current is None
            else renewal_time(self._current.expires_on, received_at=now)
        )

    def _read(self, token: str | TokenLike) -> AccessToken:
        text = _text(token)
        try:
            return token if isinstance(token, AccessToken) else decode_token(text)
        except AuthenticationError:
            if self._undecodable_life is None or not text:
                raise
            return AccessToken(text, self._clock() + self._undecodable_life)

    def _check_open(self) -> None:
        if self._is_disposed:
            raise InvalidStateError("The credential was disposed of.", stage=Stage.TOKEN)


def _text(token: str | TokenLike) -> str:
    text = token if isinstance(token, str) else getattr(token, "token", None)
    if not isinstance(text, str):
        raise _refused(f"A {type(token).__name__} is not a token.", _PARSE_TOKEN_FAIL)
    return text


def _failed(message: str) -> AuthenticationError:
    return AuthenticationError(
        message,
        sub_code=_GET_TOKEN,
        stage=Stage.TOKEN,
        next_step="See the cause of this error.",
    )
