"""The story of the demo: who does what, when, and what comes of it.

Everybody joins; the clock of the room starts when all see each other. Each speaks in a third of the
time. Bob begins muted, Alice tells him so in the chat, and he turns his microphone on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from twilio_compat.demo.cast import CAST, Clip
from twilio_compat.demo.checks import Check, check_pair, check_recording
from twilio_compat.demo.observer import observing
from twilio_compat.demo.participant import Participant
from twilio_compat.demo.recording import Recorded, RoomRecording, inspect_recording
from twilio_compat.demo.service import ServiceAccess
from twilio_compat.demo.trace import Trace, View
from twilio_compat.demo.watch import Watch

__all__ = ["HINT", "Outcome", "Plan", "Scenario"]

ALL_SEE: Final = 5.0
"""Seconds until everybody must see everybody; the checks then say who does not."""
LEAVE_TIMEOUT: Final = 6.0
MUTE, HINT_AT, UNMUTE = 0.04, 0.42, 0.45
SHOTS: Final = (0.3, 0.8)
HINT: Final = "Bob, you are muted!"
THANKS: Final = "Thanks, now you hear me."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to play.

    Attributes:
        access: The service.
        room: Name of the room.
        seconds: How long everybody stays.
        clips: What each sends, by name.
        voices: What each says, by name.
        recording: Where what Carol receives goes.
    """

    access: ServiceAccess
    room: str
    seconds: float
    clips: dict[str, Clip]
    voices: dict[str, Path]
    recording: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        connected: Seconds that `connect` took, by name.
        first_frames: Seconds from when both were connecting to the first picture, by viewer and
            sender; pairs that saw nothing are missing.
        recorded: What is in the recording.
        start: When the room was complete, in seconds of the trace.
        seconds: How long it was complete.
    """

    watches: tuple[Watch, ...]
    connected: dict[str, float]
    first_frames: dict[tuple[str, str], float]
    recorded: Recorded
    checks: tuple[Check, ...]
    start: float
    seconds: float


@final
class Scenario:
    """One run.

    Attributes:
        watches: One per pair, as they are now.
    """

    def __init__(self, plan: Plan, trace: Trace) -> None:
        self._plan = plan
        self._trace = trace
        names = [role.name for role in CAST]
        self.watches = {
            (viewer, sender): Watch(viewer, sender, lambda: trace.now)
            for viewer in names
            for sender in names
            if viewer != sender
        }
        self._people = {role.name: self._person(role.name) for role in CAST}

    def _person(self, name: str) -> Participant:
        role = next(role for role in CAST if role.name == name)
        return Participant(role, self._trace, lambda sender: self.watches.get((name, sender)))

    async def run(self) -> Outcome:
        """Play it.

        Raises:
            CallingError: The service refuses or cannot be reached.
            TwilioError: The same, for one of the three.
        """
        plan = self._plan
        token = plan.access.token("observer", plan.room)
        async with (
            observing(token, plan.access.url, plan.room, self._trace),
            self._everybody(),
        ):
            start = await self._complete()
            recording = RoomRecording(self._people["carol"].room, lambda: self._trace.now)
            await self._play(start)
            recording.stop()
            seconds = self._trace.now - start
        await asyncio.to_thread(recording.write, plan.recording)
        recorded = await asyncio.to_thread(inspect_recording, plan.recording)
        return self._outcome(recorded, start, seconds)

    @contextlib.asynccontextmanager
    async def _everybody(self) -> AsyncIterator[None]:
        plan = self._plan
        try:
            for name, person in self._people.items():
                token = plan.access.token(name, plan.room)
                await person.join(
                    token, plan.access.url, plan.room, plan.clips[name], plan.voices[name]
                )
            yield
        finally:
            # Alice goes last, so that she sees the others leave.
            for person in reversed(self._people.values()):
                async with asyncio.timeout(LEAVE_TIMEOUT):
                    await person.leave()

    async def _complete(self) -> float:
        """Wait until all see each other, or time is up; return when that was."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ALL_SEE):
                await asyncio.gather(*(watch.seen.wait() for watch in self.watches.values()))
        return self._trace.now

    async def _play(self, start: float) -> None:
        bob, alice = self._people["bob"], self._people["alice"]
        script = [
            (MUTE, bob.mute),
            (SHOTS[0], self._take_pictures),
            (HINT_AT, lambda: alice.say(HINT)),
            (UNMUTE, bob.unmute),
            (UNMUTE, lambda: bob.say(THANKS)),
            (SHOTS[1], self._take_pictures),
            (1.0, lambda: self._trace.add(View.STORY, "all", "leave")),
        ]
        for share, act in script:
            # The acts have their places in the time of the room; this is what they wait for.
            await asyncio.sleep(start + share * self._plan.seconds - self._trace.now)
            act()

    def _take_pictures(self) -> None:
        for watch in self.watches.values():
            watch.keep()

    def _outcome(self, recorded: Recorded, start: float, seconds: float) -> Outcome:
        watches = tuple(self.watches.values())
        checks: list[Check] = []
        for watch in watches:
            rate = self._plan.clips[watch.sender].rate
            checks += check_pair(watch, rate=rate, seconds=seconds)
        for person in self._people.values():
            said = (HINT, "alice") if person.name != "alice" else (THANKS, "bob")
            got = said[0] in person.messages
            checks.append(Check(person.name, f"reads what {said[1]} writes", got, f"“{said[0]}”"))
        checks.append(
            check_recording(
                "carol",
                video_seconds=recorded.video_seconds,
                audio_seconds=recorded.audio_seconds,
                level=recorded.level,
                seconds=seconds,
            )
        )
        connected = {name: person.connected for name, person in self._people.items()}
        first = self._first_frames()
        return Outcome(watches, connected, first, recorded, tuple(checks), start, seconds)

    def _first_frames(self) -> dict[tuple[str, str], float]:
        found = {}
        for (viewer, sender), watch in self.watches.items():
            both = max(self._people[viewer].connecting, self._people[sender].connecting)
            if watch.first_frame is not None:
                found[viewer, sender] = watch.first_frame - both
        return found
