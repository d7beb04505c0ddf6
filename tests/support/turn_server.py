"""A real TURN server: Debian's coturn on the loopback interface, with a configuration of ours."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acs_core.service.turn import TurnCredentials, turn_urls
from twilio_compat.turn import CoturnConfig

__all__ = ["TurnServer", "require_turnserver", "turn_server"]

DEADLINE = 20.0
LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass(frozen=True)
class TurnServer:
    """Where it runs, and whose credentials it takes."""

    config: CoturnConfig

    @property
    def address(self) -> tuple[str, int]:
        return str(self.config.public_address), self.config.port

    @property
    def credentials(self) -> TurnCredentials:
        return TurnCredentials(turn_urls(self.config.turn_url), self.config.secret)

    @property
    def settings(self) -> dict[str, str]:
        """What the service is told."""
        return {"turn_url": self.config.turn_url, "turn_secret": self.config.secret}


def require_turnserver() -> None:
    """Skip a test that needs coturn where there is none; fail where there must be one."""
    if shutil.which("turnserver") is not None:
        return
    reason = "there is no turnserver; install Debian's package coturn"
    if os.environ.get("REQUIRE_INTEROP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def turn_server(
    *, is_loopback_allowed: bool = True, user_quota: int = 64, media_address: str | None = None
) -> AsyncIterator[TurnServer]:
    """A TURN server on 127.0.0.1, for the duration of the block.

    Args:
        is_loopback_allowed: Without it nothing on this machine can be relayed to.
        user_quota: Allocations that one user may have.
        media_address: Of a service elsewhere, which may be relayed to.
    """
    require_turnserver()
    config = CoturnConfig(
        public_address=LOOPBACK,
        secret="a-secret-of-the-tests",
        realm="tests.example",
        listening_address=LOOPBACK,
        media_addresses=(ipaddress.ip_address(media_address),) if media_address else (),
        port=_free_port(),
        relay_ports=(49152, 50151),
        user_quota=user_quota,
        is_loopback_allowed=is_loopback_allowed,
    )
    with tempfile.TemporaryDirectory(prefix="turn-") as directory:
        file = _written(config, Path(directory))
        process = await asyncio.create_subprocess_exec(
            "turnserver",
            *("-c", str(file)),
            *("--pidfile", str(Path(directory, "pid"))),
            *("--userdb", str(Path(directory, "turndb"))),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _listening(process, config.port)
            yield TurnServer(config)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            async with asyncio.timeout(DEADLINE):
                await process.wait()


def _written(config: CoturnConfig, directory: Path) -> Path:
    file = directory / "turnserver.conf"
    file.write_text(config.text(), encoding="ascii")
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((str(LOOPBACK), 0))
        return int(probe.getsockname()[1])


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until it takes connections; UDP and TCP are opened together."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if process.returncode is not None:
                pytest.fail(f"turnserver ended with {process.returncode}")
            try:
                _, writer = await asyncio.open_connection(str(LOOPBACK), port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
