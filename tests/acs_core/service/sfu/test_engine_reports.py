"""Reports and endings of an engine with real peers."""

from __future__ import annotations

import pytest

from acs_core.rtc.dtls import DtlsEndpoint
from acs_core.rtc.feedback import ReceiverReport, ReportBlock
from acs_core.service.sfu.plane import PlaneKind
from tests.support.engine_peers import Side, TappedPublisher, engine_on, offer_streams
from tests.support.events import until


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
        for peer in peers:
            await peer.close()


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
