"""What a transport tells its listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from acs_core.media.negotiation import SubscribeNegotiation
from acs_core.rtc.data import DataChannel
from acs_core.rtc.sdp import (
    MAX_SECTIONS,
    Fingerprint,
    LocalTransport,
    SessionDescription,
    parse,
    write,
)
from acs_core.service.sfu.changes import RefusalReason
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import SsrcPolicy
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.transport import MediaTransport, SfuTimes
from tests.acs_core.service.sfu.test_port import Client
from tests.support.events import until

CHROMIUM = (Path(__file__).parents[3] / "data/sdp/chromium_offer.sdp").read_text()
CLIENT = LocalTransport("client", "clientpassword", (), Fingerprint("sha-256", "BB:BB"))


class Listener(TransportListener):
    """Writes down what it is told."""

    def __init__(self, engine: SfuEngine) -> None:
        self.failures = 0
        self.refused: list[tuple[str, RefusalReason, bool]] = []
        self.transport: MediaTransport = engine.create_transport(
            self, ssrc_policy=SsrcPolicy.FRESH, always_receive=True
        )
        self.client = SubscribeNegotiation(session_id=9)

    def on_streams(self) -> None:
        """Not looked at."""

    def on_channel(self, channel: DataChannel) -> None:
        """Not looked at."""

    def on_refused(self, key: str, reason: RefusalReason, *, is_retried: bool) -> None:
        # A stream is known to its owner by then.
        assert key in self.transport.consumers
        self.refused.append((key, reason, is_retried))

    def on_liveness(self) -> None:
        """Not looked at."""

    def on_failed(self) -> None:
        assert self.transport.has_failed
        self.failures += 1

    def check_from(self, client: Client) -> None:
        """A client is there; it never begins DTLS."""
        client.check(self.transport._path.credentials)

    def exchange(self) -> None:
        offer = self.transport.create_offer()
        self.transport.accept_answer(self.client.accept_offer(offer, CLIENT).answer)


@asynccontextmanager
async def opened(times: SfuTimes | None = None) -> AsyncIterator[SfuEngine]:
    engine = await SfuEngine.open(host="127.0.0.1", plane=PlaneKind.PORTABLE, times=times)
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
async def engine() -> AsyncIterator[SfuEngine]:
    async with opened() as running:
        yield running


async def test_the_time_for_dtls_begins_when_the_client_is_first_heard() -> None:
    async with opened(SfuTimes(handshake=0.1)) as engine:
        early, late = Listener(engine), Listener(engine)
        clients = [await Client.open(engine.port) for _ in range(2)]
        for listener in (late, early):
            listener.transport.accept_offer(CHROMIUM)
        early.check_from(clients[0])
        await until(lambda: early.failures)
        # It had as much time, but no client yet.
        assert late.failures == 0
        assert not late.transport.has_failed
        late.check_from(clients[1])
        await until(lambda: late.failures)
        for listener in (early, late):
            await listener.transport.close()
            assert listener.failures == 1
        for client in clients:
            client.close()


async def test_who_closes_a_connection_is_not_told_that_it_failed(engine: SfuEngine) -> None:
    unheard, heard = Listener(engine), Listener(engine)
    client = await Client.open(engine.port)
    for listener in (unheard, heard):
        listener.transport.accept_offer(CHROMIUM)
    heard.check_from(client)
    await client.answer()
    for listener in (unheard, heard):
        async with asyncio.timeout(5):
            await listener.transport.close()
        assert listener.failures == 0
    client.close()


async def test_a_stream_without_section_is_told_once_and_sent_when_one_is_free(
    engine: SfuEngine,
) -> None:
    sender, viewer = Listener(engine), Listener(engine)
    sender.transport.accept_offer(CHROMIUM)
    producer = next(item for item in sender.transport.producers.values() if item.kind == "video")
    for number in range(MAX_SECTIONS):
        viewer.transport.forward(f"v{number}", producer)
    viewer.exchange()
    assert viewer.refused == []
    viewer.transport.forward("late", producer)
    # The owner has yet to note that it forwards this.
    assert viewer.refused == []
    assert not viewer.transport.needs_offer
    told = [("late", RefusalReason.NO_SECTION, True)]
    await until(lambda: viewer.refused == told)
    viewer.transport.stop_forwarding("v7")
    for _ in range(2):
        assert viewer.transport.needs_offer
        viewer.exchange()
    assert viewer.transport.consumers["late"].accepted is not None
    assert viewer.refused == told


async def test_a_closed_connection_tells_nothing_of_streams(engine: SfuEngine) -> None:
    sender, viewer = Listener(engine), Listener(engine)
    sender.transport.accept_offer(CHROMIUM)
    producer = next(iter(sender.transport.producers.values()))
    for number in range(MAX_SECTIONS):
        viewer.transport.forward(f"v{number}", producer)
    viewer.exchange()
    viewer.transport.forward("late", producer)
    await viewer.transport.close()
    await asyncio.sleep(0)
    assert viewer.refused == []


async def test_whether_a_refused_stream_is_offered_again_is_told(engine: SfuEngine) -> None:
    sender, viewer = Listener(engine), Listener(engine)
    sender.transport.accept_offer(CHROMIUM)
    producer = next(item for item in sender.transport.producers.values() if item.kind == "video")
    viewer.transport.forward("v", producer)
    viewer.exchange()
    # Twice: it gets another section, and is given up when that is rejected, too.
    for is_retried in (True, False):
        viewer.transport.forward(f"other-{is_retried}", producer)
        offer = viewer.transport.create_offer()
        mid = next(one.mid for one in parse(offer).sections if one.msid == ("sfu", "v"))
        answer = parse(viewer.client.accept_offer(offer, CLIENT).answer)
        viewer.transport.accept_answer(_rejecting(answer, mid))
        assert viewer.refused[-1] == ("v", RefusalReason.SECTION_REJECTED, is_retried)
        # Without a shape no other layer brings it back.
        assert viewer.transport.consumers["v"].accepted is None


def _rejecting(answer: SessionDescription, mid: str) -> str:
    sections = tuple(
        replace(section, port=0) if section.mid == mid else section for section in answer.sections
    )
    return write(replace(answer, sections=sections))
