"""A backend that gives the users of an application tokens for rooms, without Twilio's helper.

    POST /api/token {"userId": "ann", "room": "daily"}  ->  {"token": "..."}

Who is who is up to you: ask for a login before you give a token away.
"""

import os

from aiohttp import web

from twilio_compat import AccessToken


async def token(request: web.Request) -> web.Response:
    try:
        asked = await request.json()
        name, room = asked["userId"], asked.get("room")
    except (ValueError, KeyError, TypeError, AttributeError):
        name = room = None
    if not isinstance(name, str) or not name:
        raise web.HTTPBadRequest(text='Post {"userId": "..."}.')
    made = AccessToken(
        os.environ["TWILIO_ACCOUNT_SID"],
        os.environ["TWILIO_API_KEY_SID"],
        os.environ["TWILIO_API_KEY_SECRET"],
        identity=name,
        room=room,
    )
    return web.json_response({"token": made.to_jwt()})


def create_app() -> web.Application:
    app = web.Application()
    app.router.add_post("/api/token", token)
    return app


if __name__ == "__main__":
    web.run_app(create_app(), port=3001)
