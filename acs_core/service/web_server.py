"""The TCP port of the service: HTTP and WebSockets, with TLS where it is configured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Final

from aiohttp import web

from acs_core.errors import Stage, TransportError
from acs_core.service.from_settings import tls_context
from acs_core.service.origins import origin_check
from acs_core.service.settings import ServiceSettings

__all__ = ["WebServer"]

LARGEST_BODY: Final = 1 << 20
CLOSE_DEADLINE: Final = 2.0
LOCAL_COUNTERPART: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
IPV6_COUNTERPART: Final = {"0.0.0.0": "::", "127.0.0.1": "::1"}


class WebServer:
    """One port; `start` it when there is something to serve, and `close` it.

    Args:
        settings: Of the service.
        open_to_pages: Paths below which pages of every origin may ask.
    """

    def __init__(self, settings: ServiceSettings, open_to_pages: Sequence[str]) -> None:
        self._settings = settings
        self._open_to_pages = open_to_pages
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port; 0 before `start`."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients on this machine find it."""
        settings = self._settings
        scheme = "https" if settings.tls_cert else "http"
        host = LOCAL_COUNTERPART.get(settings.host, settings.host)
        authority = f"[{host}]" if ":" in host else host
        return f"{scheme}://{authority}:{self._port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        server = self._runner and self._runner.server
        return len(server.connections) if server else 0

    async def start(self, routes: Iterable[web.AbstractRouteDef]) -> None:
        """Bind the port and serve.

        Raises:
            TransportError: It is in use, or the address is not ours.
            InvalidArgumentError: The certificate or its key cannot be used.
        """
        origins = origin_check(self._settings.allowed_origins, except_below=self._open_to_pages)
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=(origins,))
        app.router.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_DEADLINE)
        await self._runner.setup()
        await self._listen(self._runner)

    async def close(self) -> None:
        """Let go of the port and of all clients; closing again does nothing."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        settings = self._settings
        tls = tls_context(settings)
        try:
            await web.TCPSite(runner, settings.host, settings.port, ssl_context=tls).start()
        except OSError as error:
            raise TransportError(
                f"{settings.host}:{settings.port} cannot be bound: {error.strerror or error}.",
                stage=Stage.SIGNALING,
                next_step="Choose another --port (0 picks a free one) or --host.",
            ) from error
        self._port = runner.addresses[0][1]
        other = IPV6_COUNTERPART.get(settings.host)
        if other is not None:
            with contextlib.suppress(OSError):
                await web.TCPSite(runner, other, self._port, ssl_context=tls).start()
