"""The service as a process of its own, as it would run on a server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import twilio_compat
from acs_core.errors import DeadlineError, InvalidArgumentError, Stage, TransportError
from acs_core.service.settings import load_settings
from twilio_compat.settings import ServerSettings
from twilio_compat.tokens import AccessToken

__all__ = ["ServiceAccess", "configured_access", "separate_service"]

READY_TIMEOUT: Final = 15.0
STOP_TIMEOUT: Final = 5.0


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """A running service and the right to make tokens for it.

    Attributes:
        url: Where it is.
        account_sid: `AC...`.
        api_key_sid: `SK...`.
        api_key_secret: Signs the tokens.
        pid: Its process, if the demo started it.
    """

    url: str
    account_sid: str
    api_key_sid: str
    api_key_secret: str
    pid: int | None = None

    def token(self, identity: str, room: str) -> str:
        """An access token that opens one room for ten minutes."""
        return AccessToken(
            self.account_sid, self.api_key_sid, self.api_key_secret, identity, room, 600
        ).to_jwt()


def configured_access(url: str) -> ServiceAccess:
    """Reach a service that runs already, with the credentials of the environment.

    Raises:
        InvalidArgumentError: There are none.
    """
    settings = load_settings(ServerSettings, {}, directory=Path.cwd())
    if settings.twilio_account_sid is None or not settings.api_keys:
        raise InvalidArgumentError(
            f"There are no credentials for the service at {url}.",
            stage=Stage.TOKEN,
            next_step="Set TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET to "
            "what the service was started with; `serve --dev` prints them.",
        )
    sid, key = next(iter(settings.api_keys.items()))
    return ServiceAccess(url, settings.twilio_account_sid, sid, key.secret)


@contextlib.asynccontextmanager
async def separate_service() -> AsyncIterator[ServiceAccess]:
    """Start `twilio-compat serve` on free ports, and stop it in the end.

    Raises:
        TransportError: The process ends instead of serving.
        DeadlineError: It is not ready in time.
    """
    keys = {
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_API_KEY_SID": f"SK{secrets.token_hex(16)}",
        "TWILIO_API_KEY_SECRET": secrets.token_urlsafe(24),
    }
    with tempfile.TemporaryDirectory(prefix="twilio-compat-demo-") as folder:
        log = Path(folder) / "serve.log"
        process = await _start(keys, Path(folder), log)
        try:
            url = await _ready(process, log)
            yield ServiceAccess(
                url,
                keys["TWILIO_ACCOUNT_SID"],
                keys["TWILIO_API_KEY_SID"],
                keys["TWILIO_API_KEY_SECRET"],
                process.pid,
            )
        finally:
            await _stop(process)


async def _start(keys: dict[str, str], folder: Path, log: Path) -> asyncio.subprocess.Process:
    """Run the command where no configuration of the caller's reaches it."""
    inherited = {name: value for name, value in os.environ.items() if _is_neutral(name)}
    # The folder of this very package: the service must not be another version.
    code = str(Path(twilio_compat.__file__).parents[1])
    environment = {**inherited, **keys, "PYTHONPATH": code}
    arguments = ("-m", "twilio_compat", "serve", "--dev", "--port", "0", "--media-port", "0")
    with log.open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )


def _is_neutral(name: str) -> bool:
    return not name.startswith(("CALLING_", "TWILIO_", "ACS_", "PYTHONPATH"))


async def _ready(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise DeadlineError(
            f"The service was not ready in {READY_TIMEOUT:.0f} s.",
            stage=Stage.SIGNALING,
            next_step="Run `twilio-compat serve --dev` by itself to see why, or use --url.",
        ) from error
    if not line:
        raise TransportError(
            f"The service ended at once: {await asyncio.to_thread(_last_words, log)}.",
            stage=Stage.SIGNALING,
            next_step="Run `twilio-compat serve --dev` by itself to see why.",
        )
    return str(json.loads(line)["url"])


def _last_words(log: Path) -> str:
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1].rstrip(".") if said else "without a word"


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
