"""Tracks of the default microphone follow it: another one becomes the default, they restart.

The default changes when a headset is plugged in or taken out, and by
`DeviceManager.select_microphone`. Only sound follows; a camera stays the one it is.

Source: twilio-video.js 2.36, `CreateLocalAudioTrackOptions.defaultDeviceCaptureMode`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from acs_core.client.emitter import TaskOwner
from acs_core.errors import CallingError
from twilio_compat.media_sources import CapturedDefault

__all__ = ["DefaultMicrophone"]

_log = logging.getLogger(__name__)


class DefaultMicrophone:
    """Restarts one track whenever another microphone is the default one.

    Args:
        tasks: Owns the task that waits for a change.
        restart: Restarts the track as it was made; its `CallingError` is logged, and the next
            change is another chance.
    """

    def __init__(self, tasks: TaskOwner, restart: Callable[[], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._restart = restart
        self._task: asyncio.Task[None] | None = None

    def follow(self, default: CapturedDefault | None) -> None:
        """Follow from this microphone on, instead of from the one before; None follows no more."""
        if default is not None and self._task is asyncio.current_task():
            return  # Its own restart: the task that waits goes on.
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if default is not None:
            self._task = self._tasks.start(self._run(default), "default microphone")

    async def _run(self, default: CapturedDefault) -> None:
        changes = default.devices.microphone_changes(default.microphone)
        async with aclosing(changes):
            async for microphone in changes:
                if microphone is None:
                    continue  # Nothing to go on with until the next one comes.
                _log.info("The default microphone is now %r.", microphone.name)
                try:
                    await self._restart()
                except CallingError as error:
                    _log.warning("The new default microphone cannot be used: %s", error)
