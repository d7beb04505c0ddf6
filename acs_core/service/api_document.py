"""The OpenAPI document of a service: what all its REST interfaces offer, at `/openapi.json`.

Everybody may read it: it says nothing that is not in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import web

from acs_core.service.openapi import ApiFamily, make_document
from acs_core.service.parts import ServicePart
from acs_core.version import __version__

__all__ = ["DOCUMENT_PATH", "ApiDocument"]

DOCUMENT_PATH: Final = "/openapi.json"
TITLE: Final = "twilio-compat"


class ApiDocument(ServicePart):
    """Serves the document.

    Args:
        families: The interfaces; asked for whenever the document is.
    """

    def __init__(self, families: Callable[[], Iterable[ApiFamily]]) -> None:
        self._families = families

    def make(self, url: str) -> dict[str, Any]:
        """The document, ready to be written as JSON.

        Args:
            url: Where the service is.
        """
        return make_document(self._families(), title=TITLE, version=__version__, url=url)

    def routes(self) -> list[web.AbstractRouteDef]:
        """`/openapi.json`."""
        return [web.get(DOCUMENT_PATH, self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            url = str(request.url.origin())
        except ValueError as error:
            raise web.HTTPBadRequest(text="The Host header is no address.") from error
        return web.json_response(self.make(url))
