"""Fixtures that run a test on each plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.portable import PortablePlane
from tests.support.plane_bench import Bench, Sockets


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    result = Sockets()
    yield result
    result.close()


@pytest.fixture(params=[PortablePlane, BatchPlane])
def bench(request: pytest.FixtureRequest, sockets: Sockets) -> Iterator[Bench]:
    result = Bench(request.param, sockets)
    result.add_publisher()
    result.add_video()
    result.add_subscriber("s")
    yield result
    result.plane.close()
