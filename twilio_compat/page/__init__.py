"""The page to try the server in a browser: `twilio-compat serve --dev` serves it at `/`.

It is a Twilio Video application as one would write it for Twilio, on the unmodified SDK of npm,
which is not part of this package: it is taken from where `npm install twilio-video` has put it.
The page gets its tokens from `POST /dev/token`, which believes whoever asks; therefore all of this
exists with `--dev` only.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from acs_core.errors import CallingError, InvalidArgumentError, Stage
from twilio_compat.error_details import DETAILS

__all__ = ["Sdk", "TryPage", "find_sdk"]

FOLDER: Final = Path(__file__).parent / "static"
SDK_FILE: Final = "twilio-video.min.js"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
LONGEST_NAME: Final = 128
"""Of identities and rooms; Twilio's errors 53101 and 53201."""

# What a Host header may be made of (RFC 3986 section 3.2), so that it cannot add to the policy.
_HOST: Final = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")


@dataclass(frozen=True, slots=True)
class Sdk:
    """The SDK's file.

    Attributes:
        version: From the package's description; empty when there is none.
    """

    path: Path
    version: str = ""


def find_sdk(chosen: Path | None, *, directory: Path) -> Sdk | None:
    """Look for `twilio-video.min.js`; None when it is not there and was not asked for.

    Args:
        chosen: The file, the folder of the npm package, or a folder with `node_modules`.
        directory: Where `node_modules` is looked for when nothing was chosen.

    Raises:
        InvalidArgumentError: What was chosen is none of these.
    """
    root = chosen or directory
    places = (
        root,
        root / SDK_FILE,
        root / "dist" / SDK_FILE,
        root / "twilio-video" / "dist" / SDK_FILE,
        root / "node_modules" / "twilio-video" / "dist" / SDK_FILE,
    )
    for place in places:
        if place.is_file():
            return Sdk(place, _version(place.parent.parent / "package.json"))
    if chosen is None:
        return None
    raise InvalidArgumentError(
        f"There is no {SDK_FILE} at {chosen}.",
        stage=Stage.ARGUMENT,
        next_step="Run `npm install twilio-video` and give --sdk-path node_modules/twilio-video.",
    )


class TryPage:
    """The page's routes.

    Args:
        make_token: A Twilio access token for an identity and a room.
        sdk: None: the page says how to get it.
        allowed_hosts: Names, besides addresses and localhost, under which tokens are given.
    """

    def __init__(
        self,
        make_token: Callable[[str, str], str],
        sdk: Sdk | None,
        *,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._make_token = make_token
        self._sdk = sdk
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._files = {path.name: path for path in FOLDER.iterdir() if path.suffix in TYPES}

    @property
    def has_sdk(self) -> bool:
        """Whether the SDK's file is there now."""
        return self._sdk is not None and self._sdk.path.is_file()

    def routes(self) -> list[web.AbstractRouteDef]:
        """For the service's application."""
        return [
            web.get("/", self._index),
            web.get("/page/sdk.js", self._sdk_file),
            web.get("/page/{name}", self._file),
            web.get("/dev/page", self._description),
            web.post("/dev/token", self._token),
        ]

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return _with_headers(request, web.FileResponse(self._files["index.html"]), ".html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = self._files.get(request.match_info["name"])
        if path is None or path.suffix == ".html":
            raise web.HTTPNotFound
        return _with_headers(request, web.FileResponse(path), path.suffix)

    async def _sdk_file(self, request: web.Request) -> web.StreamResponse:
        if self._sdk is None or not self.has_sdk:
            raise web.HTTPNotFound
        return _with_headers(request, web.FileResponse(self._sdk.path), ".js")

    async def _description(self, _: web.Request) -> web.Response:
        """What the page must know: whether there is an SDK, and what to do about each error."""
        advice = {row.code: row.solutions[0] for row in DETAILS.values() if row.solutions}
        sdk = {"version": self._sdk.version} if self._sdk and self.has_sdk else None
        return _json({"sdk": sdk, "advice": advice})

    async def _token(self, request: web.Request) -> web.Response:
        """`{"identity": ..., "room": ...}` in, `{"token": ...}` out."""
        if not self._is_own_name(request.host):
            # A foreign name that is made to point here would be an origin of its own, and so pass
            # the check of origins (DNS rebinding).
            return _refusal(403, "Open the page by an address or localhost, or list its origin in "
                                 "allowed_origins.")  # fmt: skip
        if request.content_type != "application/json":
            return _refusal(415, "Send JSON.")
        try:
            asked = await request.json()
        except (ValueError, LookupError, RecursionError):
            return _refusal(400, "This is not JSON.")
        identity, room = _name(asked, "identity"), _name(asked, "room")
        if not identity or not room:
            text = f"identity and room are printable texts of 1 to {LONGEST_NAME} characters."
            return _refusal(400, text)
        try:
            token = self._make_token(identity, room)
        except CallingError as error:
            return _refusal(400, f"{error.message} {error.advice}".strip())
        return _json({"token": token, "identity": identity, "room": room})

    def _is_own_name(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in self._allowed_hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _name(asked: object, key: str) -> str:
    """One text of a request; empty when it cannot be a name."""
    value = asked.get(key) if isinstance(asked, dict) else None
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_NAME:
        return ""
    return value.strip()


def _version(description: Path) -> str:
    try:
        version = json.loads(description.read_text(encoding="utf-8")).get("version")
    except (OSError, ValueError, AttributeError):
        return ""
    return version if isinstance(version, str) else ""


def _json(body: dict[str, object], *, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})


def _refusal(status: int, text: str) -> web.Response:
    return _json({"error": text}, status=status)


def _with_headers(
    request: web.Request, response: web.FileResponse, suffix: str
) -> web.FileResponse:
    response.content_type = TYPES[suffix]
    response.charset = "utf-8"
    response.headers.update({
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": _policy(request.host),
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    })  # fmt: skip
    return response


def _policy(host: str) -> str:
    """Scripts, styles and connections of this server only.

    'unsafe-eval' is for twilio-video 2.36, which makes a function of a text when it is loaded; the
    page itself has none. The WebSocket addresses are spelled out because Safari does not count
    them to 'self'.
    """
    own = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self'; "
        f"img-src 'self' data:; media-src 'self' blob:; connect-src 'self'{own}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
