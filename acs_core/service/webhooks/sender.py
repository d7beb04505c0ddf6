"""Sends one webhook: one request to a guarded target, no redirects, bounded in time and size."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from acs_core.errors import DeadlineError, ServiceError, Stage, TransportError
from acs_core.service.webhooks.guard import GuardedResolver, TargetGuard
from acs_core.service.webhooks.requests import WebhookRequest
from acs_core.service.webhooks.resolver import DetachedResolver
from acs_core.version import __version__

__all__ = ["Answer", "Sender"]

MOST_READ: Final = 10 * 1024
"""Bytes of an answer; what is beyond is not read."""
USER_AGENT: Final = f"twilio-compat/{__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said.

    Attributes:
        text: The beginning of the body, where the request expects something there.
    """

    status: int
    text: str = ""

    @property
    def is_success(self) -> bool:
        """Whether it took the request; a redirect is none."""
        return 200 <= self.status < 300


class Sender:
    """Sends webhooks.

    Args:
        guard: Which targets are refused.
        timeout: Seconds for one request.
        resolver: Instead of the system's.
    """

    def __init__(
        self, guard: TargetGuard, *, timeout: float, resolver: AbstractResolver | None = None
    ) -> None:
        self._guard = guard
        self._timeout = timeout
        self._resolver = resolver
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def open(self) -> None:
        """Get ready."""
        resolver = self._resolver or DetachedResolver()
        for scheme in ("https", "http"):
            connector = aiohttp.TCPConnector(
                resolver=GuardedResolver(resolver, self._guard, is_plain=scheme == "http"),
                # Each attempt resolves and connects anew: what was checked is of this attempt.
                use_dns_cache=False,
                force_close=True,
                limit=0,
            )
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                # A compressed answer could be much longer than what was read.
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": USER_AGENT},
            )

    async def close(self) -> None:
        """Give up what is under way."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def send(self, request: WebhookRequest) -> Answer:
        """Send a request, and return what the target said of it, whatever that is.

        Raises:
            InvalidArgumentError: The URL cannot be used.
            ServiceError: 403, its name leads to where webhooks must not go.
            TransportError: Nobody answered in time.
        """
        self._guard.check(request.url)
        # As it was signed, not as it would be spelled here.
        url = URL(request.url, encoded=True)
        try:
            async with self._sessions[url.scheme].request(
                request.method,
                url,
                data=request.body.encode() if request.method == "POST" else None,
                headers=dict(request.headers),
                allow_redirects=False,
            ) as answer:
                text = await _beginning(answer) if request.expected else ""
                return Answer(answer.status, text)
        except TimeoutError as error:
            raise DeadlineError(f"Nobody answered in {self._timeout:g} s.") from error
        except aiohttp.InvalidURL as error:
            raise ServiceError("The URL cannot be used.", stage=Stage.ARGUMENT) from error
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise TransportError(_reason(error)) from error


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    read = bytearray()
    while len(read) < MOST_READ and not answer.content.at_eof():
        read += await answer.content.read(MOST_READ - len(read))
    return read.decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The name cannot be resolved."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"The certificate is not believed: {error.certificate_error}."
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "It closed the connection without an answer."
    if isinstance(error, OSError) and error.errno:
        return f"The request failed: {os.strerror(error.errno)}."
    return f"The request failed: {str(error) or type(error).__name__}."
