"""What the tracks of a room say of themselves as receivers, told to `Features.RECEIVE_POLICY`.

Twilio's methods are synchronous and fail silently when the service cannot be reached, so what they
ask for is told in the background, in order; a failure is logged. The service answers with what it
switched off or on, never at once.

Source: twilio-video.js 2.36, `lib/media/track/remotevideotrack.js`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from acs_core.client.emitter import TaskOwner
from acs_core.core.facts import ConnectionState, Priority
from acs_core.core.receiving import Dimensions
from acs_core.errors import CallingError
from twilio_compat.bandwidth import BandwidthOptions, ControlMode
from twilio_compat.explaining import ReceiveExplanation, explain

if TYPE_CHECKING:
    from acs_core.client.features.receive_policy import ReceivePolicyFeature
    from acs_core.client.publications import RemotePublication
    from twilio_compat.options import TrackPriority

__all__ = ["ReceiveControl", "Viewers"]

_log = logging.getLogger(__name__)

TURN_OFF_DELAY: Final = 0.05
"""Seconds without viewer after which a video is switched off; Twilio's value."""


class ReceiveControl:
    """How a room's tracks influence what is received.

    Args:
        policy: `Features.RECEIVE_POLICY` of the call.
        options: Of `connect`; None without a bandwidth profile.
        tasks: Owner of what is being told.
    """

    def __init__(
        self, policy: ReceivePolicyFeature, options: BandwidthOptions | None, tasks: TaskOwner
    ) -> None:
        self._policy = policy
        self._switch_off = None if options is None else options.switch_off
        self._content = None if options is None else options.content
        self._tasks = tasks

    @property
    def is_switched_by_viewers(self) -> bool:
        """Whether videos that nobody reads are switched off."""
        return self._switch_off is ControlMode.AUTO

    def is_switched_off(self, core: RemotePublication) -> bool:
        """Whether the service holds a track back."""
        forwarding = self._policy.forwarding(core)
        return forwarding is not None and not forwarding.is_on

    def explain(self, core: RemotePublication) -> ReceiveExplanation:
        """Say whether frames of a track come, and if not, why."""
        forwarding = self._policy.forwarding(core)
        paused = None if forwarding is None else forwarding.reason
        return explain(
            is_subscribed=core.is_subscribed,
            is_enabled=core.is_enabled,
            is_reachable=core.endpoint.state is ConnectionState.CONNECTED,
            is_switched_by_program=self._switch_off is ControlMode.MANUAL,
            paused=paused,
        )

    def switch(self, core: RemotePublication, *, is_on: bool) -> None:
        """Ask for a video, or not to be sent it."""
        self._tell(lambda: self._policy.hint(core, enabled=is_on))

    def switch_by_program(self, core: RemotePublication, *, is_on: bool) -> None:
        """The same for the program, which may do that in mode "manual" only.

        Raises:
            TypeError: The mode is another one.
        """
        if self._switch_off is not ControlMode.MANUAL:
            raise _only_manual("switchOn" if is_on else "switchOff", "clientTrackSwitchOffControl")
        self.switch(core, is_on=is_on)

    def check_content(self) -> None:
        """Refuse content preferences unless their mode is "manual".

        Raises:
            TypeError: The mode is another one.
        """
        if self._content is not ControlMode.MANUAL:
            raise _only_manual("setContentPreferences", "contentPreferencesMode")

    def resize(self, core: RemotePublication, size: Dimensions) -> None:
        """Say how large a video is shown."""
        self._tell(lambda: self._policy.hint(core, size=size))

    def prioritize(self, core: RemotePublication, priority: TrackPriority | None) -> None:
        """Say how much a track matters to this program."""
        chosen = None if priority is None else Priority(str(priority))
        self._tell(lambda: self._policy.prioritize(core, chosen))

    def set_profile(self, options: BandwidthOptions) -> None:
        """Choose how videos share the downlink; the modes stay those of `connect`."""
        self._tell(lambda: self._policy.set_profile(options.profile))

    def _tell(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._tasks.spawn(_contained(tell), "set receive policy")


class Viewers:
    """How many read a video; tells when the first one comes, and when there was none for a while.

    A track begins without viewers. `end` must be called when it is not received any longer.

    Args:
        tell: Told whether there are viewers, each time that this changes.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._count = 0
        self._is_on: bool | None = None
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def came(self) -> None:
        """One more reads."""
        self._count += 1
        self._stop_waiting()
        self._say(is_on=True)

    def went(self) -> None:
        """One reads no longer."""
        self._count -= 1
        if self._count == 0 and not self._is_over:
            self._wait()

    def end(self) -> None:
        """Tell nothing any more."""
        self._is_over = True
        self._stop_waiting()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TURN_OFF_DELAY, lambda: self._say(is_on=False))

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self, *, is_on: bool) -> None:
        if is_on is not self._is_on:
            self._is_on = is_on
            self._tell(is_on)


async def _contained(tell: Callable[[], Awaitable[None]]) -> None:
    try:
        await tell()
    except CallingError as error:
        _log.info("The service could not be told what is received: %s", error)


def _only_manual(method: str, option: str) -> TypeError:
    return TypeError(
        f"Invalid state. You can call {method} only when bandwidthProfile.video.{option} is set "
        'to "manual"'
    )
