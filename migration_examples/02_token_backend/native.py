"""A backend that gives the users of an application tokens for calls.

    POST /api/token {"userId": "ann"}  ->  {"token": "...", "userId": "8:acs:..."}

Who asks for the first time becomes a user of the calling service; later requests get new tokens for
that user. Users are remembered as long as the program runs: keep them in your database, and ask for
a login before you give a token away.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from typing import Any

import aiohttp
from aiohttp import web

from acs_core import parse_connection_string, signed_headers

API_VERSION = "2023-10-01"
DEADLINE = 10.0


class TokenBackend:
    """Knows which user of the calling service each user of the application is."""

    def __init__(self, connection_string: str) -> None:
        self.resource = parse_connection_string(connection_string)
        self.users: dict[str, str] = {}
        self.lock = asyncio.Lock()

    async def token(self, request: web.Request) -> web.Response:
        try:
            name = (await request.json())["userId"]
        except (ValueError, KeyError, TypeError):
            name = None
        if not isinstance(name, str) or not name:
            raise web.HTTPBadRequest(text='Post {"userId": "..."}.')
        async with self.lock:  # Two first requests of one user must not make two users.
            if name in self.users:
                user = self.users[name]
                answer = await self.ask(
                    f"/identities/{user}/:issueAccessToken", {"scopes": ["voip"]}
                )
                token = answer["token"]
            else:
                answer = await self.ask("/identities", {"createTokenWithScopes": ["voip"]})
                user, token = answer["identity"]["id"], answer["accessToken"]["token"]
                self.users[name] = user
        return web.json_response({"token": token, "userId": user})

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        """Post something to the calling service, signed with the access key."""
        url = f"{self.resource.endpoint}{path}?api-version={API_VERSION}"
        data = json.dumps(body).encode()
        headers = signed_headers(
            self.resource.credential,
            "POST",
            url,
            data,
            now=time.time(),
            request_id=str(uuid.uuid4()),
        )
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http,
            http.post(url, data=data, headers=headers) as answer,
        ):
            return await answer.json()


def create_app(connection_string: str) -> web.Application:
    app = web.Application()
    app.router.add_post("/api/token", TokenBackend(connection_string).token)
    return app


if __name__ == "__main__":
    web.run_app(create_app(os.environ["COMMUNICATION_CONNECTION_STRING"]), port=3001)
