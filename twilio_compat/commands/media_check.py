"""The short real call of `doctor`: two participants of this computer meet through the service."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from acs_core.errors import CallingError
from twilio_compat.commands.arrivals import Arrival, Arrivals
from twilio_compat.commands.checks import Check, Status, failed
from twilio_compat.commands.client_support import Access
from twilio_compat.connect import connect
from twilio_compat.errors import TwilioError
from twilio_compat.room import Room

__all__ = ["check_media"]

CALL_TIMEOUT: Final = 20.0
FRAMES_WANTED: Final = 10
ARRIVAL_TIMEOUT: Final = 8.0
MEASURED: Final = 2.0
"""Seconds of the call: two rounds of RTCP reports (RFC 3550 section 6.2 with our 1 s interval)."""
LOSS_WARNING: Final = 0.02
_POLL: Final = 0.05
_FIREWALL: Final = (
    "Let UDP through to the service's media port (`media_port` of its ready line), or tell it "
    "--public-address or a TURN server."
)


@dataclass(frozen=True, slots=True)
class _Way:
    """What one participant got of the other."""

    arrivals: Sequence[Arrival]

    @property
    def frames(self) -> int:
        """Pictures."""
        return max((one.frames for one in self.arrivals if one.kind == "video"), default=0)

    @property
    def sounds(self) -> int:
        """Packets of sound, decoded."""
        return max((one.frames for one in self.arrivals if one.kind == "audio"), default=0)

    @property
    def loss(self) -> float:
        """Of the worst track."""
        return max((one.loss for one in self.arrivals), default=0.0)


async def check_media(access: Access) -> list[Check]:
    """Whether media goes both ways, over ICE and DTLS; takes some 3 s."""
    if access.given is not None:
        detail = "needs two participants, and there is one token"
        advice = "Set the service's credentials instead of --token."
        return [Check("media", Status.SKIPPED, detail, advice)]
    rooms: list[Room] = []
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            return await _call(access, rooms)
    except (CallingError, TwilioError, TimeoutError) as error:
        return [failed("media", error, _FIREWALL)]
    finally:
        for room in rooms:
            room.disconnect()
        await asyncio.gather(*(room.closed() for room in rooms))


async def _call(access: Access, rooms: list[Room]) -> list[Check]:
    name = f"doctor-{secrets.token_hex(4)}"
    begun = time.perf_counter()
    for identity in ("doctor-a", "doctor-b"):
        room = await connect(
            access.token(identity, name),
            name=name,
            audio={"source": "tone"},
            video={"source": "pattern", "width": 320, "height": 240},
            service_url=access.url,
        )
        rooms.append(room)
    took = (time.perf_counter() - begun) / len(rooms) * 1000
    joined = Check("media connection", Status.OK, f"ICE and DTLS over UDP, {took:.0f} ms per join")
    readers = [Arrivals(room) for room in rooms]
    deadline = time.perf_counter() + ARRIVAL_TIMEOUT
    while time.perf_counter() < deadline:
        if all(_Way(reader.sample()).frames >= FRAMES_WANTED for reader in readers):
            break
        await asyncio.sleep(_POLL)
    # A measurement takes time; nothing is waited for here.
    await asyncio.sleep(MEASURED)
    ways = [_Way(reader.sample()) for reader in readers]
    return [joined, _both_ways(ways), _loss(ways), _round_trip(rooms)]


def _both_ways(ways: Sequence[_Way]) -> Check:
    detail = ", ".join(f"{way.frames} pictures and {way.sounds} sounds" for way in ways)
    if all(way.frames >= FRAMES_WANTED and way.sounds >= FRAMES_WANTED for way in ways):
        return Check("media both ways", Status.OK, f"decoded: {detail}")
    return Check("media both ways", Status.FAIL, f"decoded only: {detail}", _FIREWALL)


def _loss(ways: Sequence[_Way]) -> Check:
    loss = max(way.loss for way in ways)
    if loss > LOSS_WARNING:
        advice = "Look for a busy link or machine between here and the service."
        return Check("packet loss", Status.WARN, f"{loss:.1%}", advice)
    return Check("packet loss", Status.OK, f"{loss:.1%}")


def _round_trip(rooms: Sequence[Room]) -> Check:
    found = [
        publication.core.stats.round_trip
        for room in rooms
        for publication in room.local_participant.tracks.values()
        if publication.core.stats is not None and publication.core.stats.round_trip is not None
    ]
    if not found:
        return Check("round trip", Status.SKIPPED, "no report of the service came in time")
    return Check("round trip", Status.OK, f"{min(found) * 1000:.1f} ms to the service")
