"""What a participant is denied by subscribe rules never leaves the service, packet by packet."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from acs_core.service.sfu.plane import PlaneKind
from tests.support.events import until
from tests.support.lossy_path import Direction, LossyProxy
from tests.support.people import ROOM, Meeting, meeting
from tests.twilio_compat.rest.conftest import Rest

PICTURES = 30


class Tap(LossyProxy):
    """Counts the RTP packets that leave the service, by SSRC."""

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.2", port, seed=1)
        self.sent: Counter[int] = Counter()

    def _carry(self, way: Direction, data: bytes, out: Any, to: Any) -> None:
        # RFC 5761 section 4: these second bytes are those of RTCP.
        if way is self.down and 127 < data[0] < 192 and not 192 <= data[1] <= 223:
            self.sent[int.from_bytes(data[8:12], "big")] += 1
        super()._carry(way, data, out, to)

    def count(self, ssrcs: set[int]) -> int:
        return sum(self.sent[ssrc] for ssrc in ssrcs)


@asynccontextmanager
async def tapped(plane: str) -> AsyncIterator[tuple[Meeting, Tap]]:
    async with meeting(plane=plane, public_address="127.0.0.2") as place:
        tap = Tap(place.server.media_port)
        try:
            yield place, tap
        finally:
            tap.close()


def ssrcs(place: Meeting, receiver: str, sender: str) -> set[int]:
    """Under which SSRCs the service sends somebody's streams to somebody else."""
    call = place.server.calls.find_room(ROOM)
    assert call is not None
    by_name = {endpoint.identity: endpoint for endpoint in call.endpoints.values()}
    found: set[int] = set()
    for transport in by_name[receiver].observer.transports:
        for key, consumer in transport.consumers.items():
            accepted = consumer.accepted
            if key in by_name[sender].publications and accepted is not None:
                found |= {accepted.ssrc, accepted.rtx_ssrc or accepted.ssrc}
    return found


@pytest.mark.parametrize("plane", [PlaneKind.PORTABLE, PlaneKind.BATCH])
async def test_no_packet_of_a_denied_track_leaves_the_service(plane: PlaneKind) -> None:
    async with tapped(plane.value) as (place, tap), aiohttp.ClientSession() as http:
        rest = Rest(place.server, http)
        path = f"/v1/Rooms/{ROOM}/Participants/ben/SubscribeRules"
        await place.guest("ann", color=(200, 30, 30))
        await place.guest("cat", color=(30, 200, 30))
        await place.guest("ben")
        await until(lambda: ssrcs(place, "ben", "ann") and ssrcs(place, "ben", "cat"))
        await until(lambda: ssrcs(place, "cat", "ann"))
        denied, allowed = ssrcs(place, "ben", "ann"), ssrcs(place, "ben", "cat")
        to_cat = ssrcs(place, "cat", "ann")
        await until(lambda: all(map(tap.count, (denied, allowed, to_cat))))

        rules = '[{"type": "include", "all": true}, {"type": "exclude", "publisher": "ann"}]'
        assert (await rest.post(path, {"Rules": rules}))[0] == 200
        await until(lambda: not ssrcs(place, "ben", "ann"))
        before = {name: tap.count(which) for name, which in (("ben", allowed), ("cat", to_cat))}
        left = tap.count(denied)
        # Ann goes on sending and ben receiving, for as long as it takes to be sure.
        await until(lambda: tap.count(to_cat) - before["cat"] >= PICTURES)
        await until(lambda: tap.count(allowed) - before["ben"] >= PICTURES)
        assert tap.count(denied) == left

        rules = '[{"type": "include", "all": true}]'
        assert (await rest.post(path, {"Rules": rules}))[0] == 200
        await until(lambda: ssrcs(place, "ben", "ann"))
        again = ssrcs(place, "ben", "ann")
        await until(lambda: tap.count(again) > (left if again == denied else 0))
