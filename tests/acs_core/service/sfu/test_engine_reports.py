"""Reports and endings of an engine with real peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from acs_core.rtc.dtls import DtlsEndpoint
from acs_core.rtc.feedback import ReceiverReport, ReportBlock
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.plane.messages import (
    ConnectionStats,
    PictureSize,
    ProducerResumed,
    ProducerStalled,
    ProducerStats,
)
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport
from tests.support.engine_peers import Side, TappedPublisher, engine_on, offer_streams
from tests.support.events import until

CHROMIUM = (Path(__file__).parents[3] / "data/sdp/chromium_offer.sdp").read_text()


def blocks(count: int) -> tuple[ReportBlock, ...]:
    return tuple(ReportBlock(ssrc, 0, 0, 0, 0, 0, 0) for ssrc in range(1, count + 1))


async def test_reports_are_split_and_a_connection_that_fails_keeps_nobody_else_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        broken, whole = Side(engine), Side(engine)

        def report_blocks(transport: str, now: float) -> tuple[ReportBlock, ...]:
            if transport == broken.transport.id:
                raise ValueError("broken")
            return blocks(70)

        monkeypatch.setattr(engine._plane, "report_blocks", report_blocks)
        peers = (TappedPublisher(), TappedPublisher())
        for side, peer in zip((broken, whole), peers, strict=True):
            peer.want_data()
            await offer_streams(side, peer)

        def heard() -> set[int]:
            reports = [item for item in peers[1].feedback if isinstance(item, ReceiverReport)]
            return {block.ssrc for report in reports for block in report.reports}

        await until(lambda: heard() == set(range(1, 71)))
        assert not [item for item in peers[0].feedback if isinstance(item, ReceiverReport)]
        for peer in peers:
            await peer.close()


async def test_reports_are_spread_over_turns_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        sides = [Side(engine) for _ in range(3)]
        told: list[MediaTransport] = []
        monkeypatch.setattr(engine, "_report_to", lambda transport, now: told.append(transport))
        engine._report()
        assert told == []
        await sides[1].transport.close()
        await until(lambda: len(told) >= 3)
        assert told[:3] == [side.transport for side in sides]


async def test_who_asks_shortly_after_another_shares_its_counts() -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        transport = Side(engine).transport
        first = engine.connection_stats(transport, max_age=0.0)
        assert engine.connection_stats(transport, max_age=60.0) is first
        assert engine.connection_stats(transport, max_age=0.0) is not first
        await transport.close()
        engine.connection_stats(transport)
        assert not engine._counted


async def test_the_counts_of_all_connections_come_together() -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        sides = [Side(engine), Side(engine)]
        peers = [TappedPublisher(), TappedPublisher()]
        for side, peer in zip(sides, peers, strict=True):
            peer.want_data()
            await offer_streams(side, peer)
        one = ProducerStats(1, 10, 0, 0.0, 0, 0, None)
        for side in sides:
            name = side.transport.id
            engine._counted[name] = ConnectionStats(engine.port.now(), {name: one}, {})
        assert set(engine.stats(max_age=60.0).producers) == {side.transport.id for side in sides}
        assert not engine.stats(max_age=0.0).producers
        for peer in peers:
            await peer.close()


async def test_the_only_layer_of_a_stream_is_told_by_its_size_alone() -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        side = Side(engine)
        side.transport.accept_offer(CHROMIUM)
        told: list[Producer] = []
        engine.on_layers = told.append
        (producer,) = [item for item in side.producers if len(item.layers) == 1]
        for event in (ProducerResumed(producer.id), ProducerStalled(producer.id)):
            engine._handle(event)
        assert told == []
        engine._handle(PictureSize(producer.id, 320, 180))
        assert told == [producer]
        await side.transport.close()


async def test_a_connection_whose_end_fails_is_forgotten_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with engine_on(PlaneKind.PORTABLE) as engine:
        side = Side(engine)
        close = DtlsEndpoint.close

        async def fail(self: DtlsEndpoint) -> None:
            await close(self)
            raise ValueError("broken")

        monkeypatch.setattr(DtlsEndpoint, "close", fail)
        with pytest.raises(ValueError, match="broken"):
            await side.transport.close()
        assert not engine.transports
        assert not engine.port._paths
