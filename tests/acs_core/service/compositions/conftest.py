from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.composing import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Compositions, and a renderer that does what the test says."""
    return Studio(tmp_path)
