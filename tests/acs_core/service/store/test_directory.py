from __future__ import annotations

import os
from pathlib import Path

import pytest

from acs_core.errors import ServiceError
from acs_core.service.store.directory import DataDirectory


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "a" / "data")
    directory.open()
    for path in (directory.path, directory.media):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (directory.path / "lock").stat().st_mode & 0o777 == 0o600
    assert directory.database_url == f"sqlite:///{tmp_path}/a/data/service.sqlite3"
    directory.close()


def test_it_is_for_one_service_at_a_time(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path), DataDirectory(tmp_path)
    first.open()
    with pytest.raises(ServiceError, match="another service uses it") as refused:
        second.open()
    assert refused.value.code == 503
    first.close()
    second.open()
    second.close()
    second.close()


def test_what_is_in_it_stays(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.open()
    (directory.media / "file").write_text("kept")
    directory.close()
    directory.open()
    assert (directory.media / "file").read_text() == "kept"
    directory.close()


def test_one_of_its_own_goes_with_the_service() -> None:
    directory = DataDirectory(None)
    assert not directory.path.exists()
    directory.open()
    assert directory.path.stat().st_mode & 0o777 == 0o700
    (directory.media / "file").write_text("gone")
    assert directory.database_url == "sqlite://"
    directory.close()
    assert not directory.path.exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match="cannot be used"):
        DataDirectory(tmp_path / "file").open()
    assert not os.path.isdir(tmp_path / "file")
