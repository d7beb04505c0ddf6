from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from acs_core.disks import check_free_space
from acs_core.errors import MediaError


def test_less_than_the_floor_is_refused(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_free_space(tmp_path, free // 2)
    with pytest.raises(MediaError, match="are free on the disk"):
        check_free_space(tmp_path, 10**18)


def test_a_disk_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be used"):
        check_free_space(tmp_path / "nowhere", 0)
