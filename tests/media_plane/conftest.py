"""Every proof of the media plane runs on both planes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from acs_core.service.app import CallingService, embedded
from acs_core.service.settings import ServiceSettings
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.plane import PlaneKind
from tests.support.engine_peers import engine_on


@pytest.fixture(params=[PlaneKind.PORTABLE, PlaneKind.BATCH])
def plane(request: pytest.FixtureRequest) -> PlaneKind:
    return PlaneKind(request.param)


@pytest.fixture
async def engine(plane: PlaneKind) -> AsyncIterator[SfuEngine]:
    async with engine_on(plane) as made:
        yield made


@pytest.fixture
async def service(plane: PlaneKind) -> AsyncIterator[CallingService]:
    settings = ServiceSettings(dev=True, port=0, media_port=0, plane=plane.value)
    async with embedded(settings) as made:
        assert made.engine.plane_name == plane
        yield made
