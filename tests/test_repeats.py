from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import clean_environment

PLUGIN = Path(__file__).parent / "support" / "real_time.py"

TESTS = """
import socket
from pathlib import Path

import pytest

ATTEMPTS = Path(__file__).with_suffix(".attempts")
STARTS = []


@pytest.fixture(scope="session")
def screen():
    STARTS.append("a screen that libraries never leave")


@pytest.fixture(scope="module")
def service():
    STARTS.append("a service that may be what is broken")


def test_once_disturbed(screen, service):
    left_open = socket.socket()
    with ATTEMPTS.open("a") as file:
        print("attempt", file=file)
    assert len(ATTEMPTS.read_text().splitlines()) == 2
    left_open.close()


def test_next():
    assert len(STARTS) == 3
"""

BROKEN = """
def test_broken():
    raise ValueError("as always")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with tests in real time and others."""
    support = tmp_path / "tests" / "support"
    support.mkdir(parents=True)
    shutil.copy(PLUGIN, support)
    (tmp_path / "tests" / "conftest.py").write_text('pytest_plugins = ["tests.support.real_time"]')
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\nmarkers = proof\n"
    )
    return tmp_path


def add(project: Path, folder: str, source: str) -> None:
    path = project / "tests" / folder / "test_it.py"
    path.parent.mkdir()
    path.write_text(source)


def run(project: Path) -> tuple[int, str]:
    """As one of several processes of pytest-xdist; no plugin is needed for that."""
    side_by_side = {
        "PYTEST_XDIST_WORKER": "gw0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TEST_PATIENCE": "0",
    }
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=clean_environment(side_by_side),
        capture_output=True,
        text=True,
        timeout=50,
    )
    return result.returncode, result.stdout


def test_what_fails_beside_others_is_run_once_more_alone(project: Path) -> None:
    add(project, "media", TESTS)
    code, out = run(project)
    assert code == 0, out
    assert "2 passed, 1 repeated" in out
    assert "REPEATED alone: tests/media/test_it.py::test_once_disturbed - " in out
    assert "test_it.py:25: AssertionError: assert 1 == 2" in out


def test_what_fails_alone_too_fails(project: Path) -> None:
    add(project, "media", BROKEN)
    code, out = run(project)
    assert code == 1, out
    assert "FAILED tests/media/test_it.py::test_broken - ValueError: as always" in out


def test_a_proof_is_never_repeated(project: Path) -> None:
    marked = TESTS.replace("def test_once", "@pytest.mark.proof\ndef test_once")
    add(project, "media", marked)
    code, out = run(project)
    assert code == 1, out
    assert "::test_once_disturbed - " in out
    assert "REPEATED alone: tests/media/test_it.py::test_once" not in out


def test_what_needs_no_time_is_never_repeated(project: Path) -> None:
    add(project, "core", TESTS)
    code, out = run(project)
    assert code == 1, out
    assert "REPEATED" not in out
