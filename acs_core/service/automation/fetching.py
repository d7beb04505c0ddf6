"""Gets the files that programs play: one request, no redirects, bounded in time and size.

Where requests may go is decided by whoever makes `Downloads`: a check of each URL, and a resolver
that gives only addresses that may be reached, so that what was checked is what is connected to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from acs_core.errors import CallingError, DeadlineError, TransportError

__all__ = ["Downloads"]

TIMEOUT: Final = 15.0
MOST_BYTES: Final = 50 * 1024 * 1024
"""An hour of what ACS plays, mono wave files at 16 kHz, has 110 MB; prompts are short."""


class Downloads:
    """Gets files over HTTP; a `Fetch`.

    Args:
        resolver: Makes a resolver for a request; True for plain http.
        check: Refuses URLs, by a `CallingError`.
        timeout: Seconds for a file.
        most: Bytes of a file.
    """

    def __init__(
        self,
        resolver: Callable[[bool], AbstractResolver],
        check: Callable[[str], object],
        *,
        timeout: float = TIMEOUT,
        most: int = MOST_BYTES,
    ) -> None:
        self._resolver = resolver
        self._check = check
        self._timeout = timeout
        self._most = most

    async def __call__(self, url: str) -> bytes:
        """Get a file.

        Raises:
            CallingError: The URL is refused.
            TransportError: It cannot be had, or is too long.
        """
        self._check(url)
        is_plain = URL(url).scheme == "http"
        connector = aiohttp.TCPConnector(
            resolver=self._resolver(is_plain), use_dns_cache=False, force_close=True
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            try:
                return await self._get(session, url)
            except CallingError:
                raise
            except TimeoutError as error:
                raise DeadlineError(f"The file did not come in {self._timeout:g} s.") from error
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise TransportError(f"The file cannot be had: {error}.") from error

    async def _get(self, session: aiohttp.ClientSession, url: str) -> bytes:
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise TransportError(f"The file cannot be had: the answer is {answer.status}.")
            read = bytearray()
            async for part in answer.content.iter_chunked(1 << 16):
                read += part
                if len(read) > self._most:
                    raise TransportError(f"The file is longer than {self._most} bytes.")
            return bytes(read)
