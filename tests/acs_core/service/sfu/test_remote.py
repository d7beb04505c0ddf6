from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from acs_core.rtc.sdp import Direction, parse
from acs_core.service.sfu.changes import RemoteIce, SsrcPolicy, StreamEnded, StreamReceived
from acs_core.service.sfu.payload_tables import PayloadTables
from acs_core.service.sfu.placement import Placement
from acs_core.service.sfu.remote import RemoteEnd

TEXT = (Path(__file__).parents[3] / "data/sdp/chromium_offer.sdp").read_text()
CHROMIUM = parse(TEXT)
SENDING = [
    item.mid
    for item in CHROMIUM.sections
    if item.kind != "application" and item.direction.is_sending
]


def remote_end() -> RemoteEnd:
    numbers = itertools.count(1)
    placement = Placement(SsrcPolicy.FRESH, lambda: next(numbers))
    return RemoteEnd(placement, PayloadTables(None))


def test_a_description_tells_the_way_and_the_streams_and_nothing_when_it_is_repeated() -> None:
    remote = remote_end()
    changes = remote.apply(CHROMIUM, is_offer=True)
    assert isinstance(changes[0], RemoteIce)
    assert [item.mid for item in changes if isinstance(item, StreamReceived)] == SENDING
    assert remote.apply(CHROMIUM, is_offer=True) == []


def test_other_credentials_are_a_restart() -> None:
    remote = remote_end()
    assert not remote.is_ice_restart(CHROMIUM)
    remote.apply(CHROMIUM, is_offer=True)
    assert not remote.is_ice_restart(CHROMIUM)
    restarted = parse(TEXT.replace("a=ice-ufrag:Xk3p", "a=ice-ufrag:Yk3p"))
    assert remote.is_ice_restart(restarted)
    assert [type(change) for change in remote.apply(restarted, is_offer=True)] == [RemoteIce]
    assert not remote.is_ice_restart(restarted)


def test_a_stream_that_is_no_longer_sent_ends() -> None:
    remote = remote_end()
    remote.apply(CHROMIUM, is_offer=True)
    silent = tuple(replace(item, direction=Direction.INACTIVE) for item in CHROMIUM.sections)
    changes = remote.apply(replace(CHROMIUM, sections=silent), is_offer=True)
    assert changes == [StreamEnded(mid) for mid in SENDING]
