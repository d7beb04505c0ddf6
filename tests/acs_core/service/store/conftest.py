from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import postgres


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """One server for a file."""
    with postgres() as url:
        yield url
