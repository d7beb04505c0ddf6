"""The sound of files, sent over a connection of its own; for programs that speak in calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from acs_core.errors import MediaError, ProtocolError, Stage
from acs_core.media.files import FileSource
from acs_core.media.peer import PeerSettings
from acs_core.media.publishing import PublishPeer
from acs_core.media.sources import SilenceSource

__all__ = ["FileVoice"]

KEY: Final = "voice"
TAIL: Final = 0.2
"""Seconds of silence after a file: its last packets leave, and reach the ears before an end."""


class FileVoice:
    """Sends one stream of sound: files, and silence between them.

    Attributes:
        key: The stream's track id in the offer.

    Args:
        timeout: Seconds for the connection.
    """

    key = KEY

    def __init__(self, *, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._silence = SilenceSource()
        self._peer = PublishPeer(settings=PeerSettings(ice_timeout=timeout, dtls_timeout=timeout))

    async def offer(self) -> str:
        """SDP of the connection; once, before everything else.

        Raises:
            TransportError: No socket could be opened.
        """
        self._peer.add_stream(KEY, self._silence)
        return await self._peer.create_offer()

    async def connect(self, answer: str) -> None:
        """Take the answer, and return when sound can flow.

        Raises:
            CallingError: The answer does not fit, or there was no connection in time.
        """
        if await self._peer.accept_answer(answer):
            raise ProtocolError("The sound was refused.", stage=Stage.NEGOTIATION)
        await self._peer.connected(self._timeout)

    async def play(self, path: Path) -> None:
        """Send a file from its beginning to its end, at the speed of the file.

        Raises:
            MediaError: The file cannot be opened or decoded, or has no sound.
        """
        source = FileSource(path, "audio")
        over = asyncio.Event()
        failures: list[MediaError] = []

        def failed(error: MediaError) -> None:
            failures.append(error)
            over.set()

        source.on_ended(over.set)
        source.on_failed(failed)
        sender = self._peer.sender(KEY)
        try:
            # Tells at once what is wrong with it, and keeps it going until the sender reads.
            await source.open()
            sender.replace_source(source)
            await over.wait()
        finally:
            sender.replace_source(self._silence)
            await source.close()
        if failures:
            raise failures[0]
        await asyncio.sleep(TAIL)

    async def close(self) -> None:
        """End the connection, within 2 s."""
        await self._peer.close()
        await self._silence.close()
