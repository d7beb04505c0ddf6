from __future__ import annotations

from typing import cast

from acs_core.rtc.feedback import ReportBlock
from acs_core.service.downlinks import DownlinkMeter
from acs_core.service.sfu.bandwidth import DownlinkBudget
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.plane.messages import ConnectionStats, ConsumerStats
from acs_core.service.sfu.producer import Consumer, Producer
from acs_core.service.sfu.transport import MediaTransport

VIDEO = StreamReceived("0", "video", (Layer(None, 1, None),), "-", "t", {96: "vp8/90000"}, {}, {})
SSRC = 9
WANTED = 3_000_000


class Connection:
    """What the meter reads of a `MediaTransport`."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.received_blocks: dict[int, ReportBlock] = {}
        self.downlink_bps: int | None = None
        transport = cast("MediaTransport", self)
        self.consumers = {"v": Consumer("c", "v", Producer("p", VIDEO, transport), transport)}


class Viewer:
    """Is sent 2 Mb/s in packets of 1000 bytes, and reports once a second."""

    def __init__(self) -> None:
        self.meter = DownlinkMeter()
        self.connections = [Connection("t")]
        self.now = 0.0
        self._lost = self._source_lost = self._packets = 0

    def run(self, seconds: int, *, lost: int = 0, source_lost: int = 0, layer: str = "p") -> None:
        """Of 250 packets per second so many are missing, of which so many never reached us."""
        for _ in range(seconds):
            self.now += 1.0
            self._packets += 250
            self._lost += lost
            self._source_lost += source_lost
            block = ReportBlock(SSRC, 0, self._lost, self._packets, 0, 0, 0)
            for connection in self.connections:
                connection.received_blocks = {SSRC: block}
            octets = 960 * self._packets
            sent = ConsumerStats(layer, self._packets, octets, 0, True, 0, self._source_lost)
            stats = ConnectionStats(self.now, {}, {"c": sent})
            transports = [cast("MediaTransport", item) for item in self.connections]
            self.meter.measure(transports, lambda _, stats=stats: stats, WANTED, self.now)


def test_loss_of_the_downlink_limits_it() -> None:
    viewer = Viewer()
    viewer.run(3)
    viewer.run(1, lost=100)
    assert viewer.meter.budget.has_loss


def test_loss_of_the_publisher_limits_nobodys_downlink() -> None:
    viewer = Viewer()
    viewer.run(3)
    viewer.run(10, lost=100, source_lost=100)
    assert viewer.meter.budget == DownlinkBudget()


def test_what_another_layer_lost_before_it_was_sent_does_not_count() -> None:
    viewer = Viewer()
    viewer.run(3)
    viewer.run(1, lost=100, source_lost=1000, layer="p.1")
    assert viewer.meter.budget.has_loss


def test_a_limit_goes_with_the_connection_that_had_it() -> None:
    viewer = Viewer()
    viewer.run(3)
    viewer.run(1, lost=100)
    viewer.connections.append(Connection("another"))
    viewer.run(1)
    assert viewer.meter.budget.has_loss
    del viewer.connections[0]
    viewer.run(1)
    assert viewer.meter.budget == DownlinkBudget()
