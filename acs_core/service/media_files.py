"""Media files over HTTP, for whoever holds a link that was signed and has not expired.

A link names the file in the folder of media files, the second in which it expires, and a signature
of both; no cookie and no password are needed, so that players and download managers can use it.
Files have names that the service made of ids; a link that names anything else was not signed by it.
The key is kept in the data directory: links outlive a restart.

Source: RFC 9110 section 14 for ranges, which players seek by; RFC 2104 for the signature.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from acs_core.errors import ServiceError, Stage
from acs_core.service.parts import ServicePart

__all__ = ["LINK_LIFETIME", "MEDIA_PATH", "MediaFiles"]

MEDIA_PATH: Final = "/media"
LINK_LIFETIME: Final = 3600.0
"""Seconds for which a link holds, as Twilio's do."""
KEY_FILE: Final = "media.key"
KEY_SIZE: Final = 32
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "mka": "audio/x-matroska",
    "mkv": "video/x-matroska",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "webm": "video/webm",
}
_FOLDER: Final = re.compile(r"[a-z]{1,32}")
_FILE: Final = re.compile(r"[0-9a-f]{32}\.([0-9a-z]{1,8})")


class MediaFiles(ServicePart):
    """Serves files of the media folder to who has a link.

    Args:
        folder: The media folder; files are in its own folders.
        key_folder: Where the key is kept.
        clock: Unix seconds.
    """

    def __init__(
        self, folder: Path, key_folder: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._key_file = key_folder / KEY_FILE
        self._clock = clock
        self._key = b""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The one route of all files."""
        return [web.get(f"{MEDIA_PATH}/{{folder}}/{{file}}", self._serve)]

    async def start(self) -> None:
        """Read the key, or make it.

        Raises:
            ServiceError: 503, the data directory cannot be used.
        """
        try:
            self._key = _read_key(self._key_file)
        except OSError as error:
            raise ServiceError(
                f"{self._key_file} cannot be used: {error.strerror}.",
                code=503,
                stage=Stage.SIGNALING,
            ) from error

    def link(self, folder: str, file: str, *, lifetime: float = LINK_LIFETIME) -> str:
        """The path and query of a file's link.

        Args:
            folder: In the media folder, such as ``recordings``.
            file: 32 hex digits and a suffix.
            lifetime: Seconds for which the link holds.
        """
        expires = int(self._clock() + lifetime)
        signature = self._signature(folder, file, str(expires))
        return f"{MEDIA_PATH}/{folder}/{file}?expires={expires}&signature={signature}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        folder, file = request.match_info["folder"], request.match_info["file"]
        expires = request.query.get("expires", "")
        signature = request.query.get("signature", "")
        name = _FILE.fullmatch(file)
        is_signed = hmac.compare_digest(
            self._signature(folder, file, expires).encode(), signature.encode()
        )
        if name is None or not _FOLDER.fullmatch(folder) or not is_signed:
            return _refused(403, "This link was not made by the service.")
        if not expires.isdigit() or int(expires) < self._clock():
            return _refused(403, "This link has expired.")
        path = self._folder / folder / file
        # Neither a link nor a folder, whatever has come there.
        if path.is_symlink() or not path.is_file():
            return _refused(404, "The file was deleted.")
        return web.FileResponse(
            path,
            headers={
                "Content-Type": CONTENT_TYPES.get(name[1], "application/octet-stream"),
                "Content-Disposition": f'attachment; filename="{file}"',
                "Cache-Control": "private, no-store",
                "X-Content-Type-Options": "nosniff",
                "Access-Control-Allow-Origin": "*",
            },
        )

    def _signature(self, folder: str, file: str, expires: str) -> str:
        text = f"{folder}/{file}\n{expires}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()


def _read_key(path: Path) -> bytes:
    """The key in a file, which is made where there is none."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == KEY_SIZE:
        return key
    key = secrets.token_bytes(KEY_SIZE)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return key


def _refused(status: int, message: str) -> web.Response:
    return web.json_response(
        {"error": message}, status=status, headers={"Access-Control-Allow-Origin": "*"}
    )
