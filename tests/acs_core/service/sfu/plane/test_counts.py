from __future__ import annotations

from collections.abc import Iterator

import pytest

from acs_core.service.sfu.plane.messages import ConnectionStats, RemoveProducer
from acs_core.service.sfu.plane.portable import PortablePlane
from tests.support.plane_bench import KEY, Bench, Sockets, consumer


@pytest.fixture
def bench() -> Iterator[Bench]:
    sockets = Sockets()
    made = Bench(PortablePlane, sockets)
    made.add_publisher("p")
    made.add_subscriber("s")
    made.add_subscriber("other")
    made.add_video()
    made.do(consumer("c"), consumer("d", transport="other"))
    yield made
    made.plane.close()
    sockets.close()


def test_a_connection_has_the_counts_of_its_own_streams(bench: Bench) -> None:
    bench.send(1, KEY)
    bench.send(3)
    came, went = (bench.plane.connection_stats(name, 7.0) for name in ("p", "s"))
    assert (came.at, list(came.producers), list(came.consumers)) == (7.0, ["v"], [])
    assert (came.producers["v"].packets, came.producers["v"].lost) == (2, 1)
    assert (list(went.producers), list(went.consumers)) == ([], ["c"])
    assert went.consumers["c"].packets == 2
    # What never reached us is missing at the receiver, too.
    assert (went.consumers["c"].producer, went.consumers["c"].source_lost) == ("v", 1)


def test_a_count_stays_as_it_was_taken(bench: Bench) -> None:
    bench.send(1, KEY)
    before = bench.plane.connection_stats("s", 0.0)
    bench.send(2)
    assert before.consumers["c"].packets == 1
    assert bench.plane.connection_stats("s", 0.0).consumers["c"].packets == 2


def test_what_is_gone_counts_nothing(bench: Bench) -> None:
    bench.send(1, KEY)
    bench.send(3)
    bench.do(RemoveProducer("v"))
    sent = bench.plane.connection_stats("s", 0.0).consumers["c"]
    assert (sent.producer, sent.source_lost, sent.packets) == (None, 0, 2)
    assert bench.plane.connection_stats("nobody", 5.0) == ConnectionStats(5.0, {}, {})
