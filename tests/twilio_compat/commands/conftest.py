from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.command_line import Served, served


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    """A real `serve --dev`, for all tests of commands that talk to one."""
    with served() as running:
        yield running
