"""Which web pages may talk to the service: its own, and those that the settings list.

A browser sends `Origin` with every WebSocket and every request of a script to another origin, and
no page can forge it (RFC 6454 section 7); programs do not send it, and are not asked for it.

The check is for what a browser does for any page: open a WebSocket, or ask without credentials. A
REST interface whose every request carries a password that the page itself must know needs no such
protection, and answers pages of all origins (CORS); its paths are excepted.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

__all__ = ["origin_check"]


def origin_check(allowed: Collection[str], *, except_below: Collection[str] = ()) -> Middleware:
    """A middleware that answers other pages with 403.

    Args:
        allowed: Origins besides the service's own, as `https://host:port`.
        except_below: Paths, as `/v1/Rooms`, below which every request authenticates itself and
            credentials that a browser remembers are never asked for.
    """
    listed = frozenset(origin.rstrip("/").lower() for origin in allowed)
    open_paths = tuple(path.rstrip("/") for path in except_below)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is None or origin.lower() in listed or _is_own(origin, request.host):
            return await handler(request)
        if any(request.path == path or request.path.startswith(f"{path}/") for path in open_paths):
            return await handler(request)
        return web.json_response(
            {"error": "This origin may not talk to the service; see allowed_origins."}, status=403
        )

    return check


def _is_own(origin: str, host: str) -> bool:
    """Whether a page came from this host; behind a proxy the scheme may be another."""
    try:
        authority = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(authority) and authority.lower() == host.lower()
