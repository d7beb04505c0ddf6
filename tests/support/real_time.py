"""What tests in real time need: no debug mode, and once more, alone, if one failed beside others.

Media and time-outs need a machine that keeps time. Beside another test, or while the host gives the
processors to somebody else, a picture comes late through no fault of ours. So a failure counts if
the test fails with nothing beside it, too, and with its processors left to it. What was repeated is
listed at the end of a run. Proofs are never repeated: they run alone, on a machine that is idle.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from _pytest.runner import runtestprotocol
from _pytest.unraisableexception import collect_unraisable

_REAL_TIME: Final = frozenset(
    {
        "client",
        "commands",
        "compare",
        "contract",
        "documents",
        "examples",
        "fault",
        "features",
        "gateway",
        "integrations",
        "interop",
        "media",
        "media_plane",
        "migration_examples",
        "rest",
        "rewrite",
        "service",
        "snippets",
        "test_call_ends.py",
        "test_data.py",
        "test_dtls.py",
        "test_install.py",
        "test_page.py",
        "test_pytest_plugin.py",
        "test_readme.py",
        "test_room_recording.py",
        "test_server.py",
        "test_smoke.py",
        "test_story.py",
        "test_turn.py",
        "testing",
        "videosdk",
    }
)
"""Folders and files of tests with real media, sockets or other processes."""

_TESTS: Final = Path(__file__).parent.parent
_STAT: Final = Path("/proc/stat")
_ATTEMPTS: Final = 5
_STOLEN: Final = 0.05
"""Share of the processors' time that a host may take from a test."""

_PROCESSES: Final = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PATIENCE: Final = float(os.environ.get("TEST_PATIENCE", "900")) / _PROCESSES
"""Seconds for which a process waits in all until its host gives the processors back."""

_patience_left = pytest.StashKey[float]()

_REPEATED: Final = "repeated"
"""Outcome of an attempt that does not count."""


@pytest.fixture
async def real_time(request: pytest.FixtureRequest) -> None:
    """No debug mode: it notes a stack for each callback, as aiohttp does for each connection.

    A busy machine would lose packets by it, and sockets take three times as long.
    """
    if _is_in_real_time(request.path):
        asyncio.get_running_loop().set_debug(False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test, and again while it is one in real time that something else disturbed."""
    clock = _Clock()
    clock.stop()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    has_neighbors = "PYTEST_XDIST_WORKER" in os.environ
    with _turn(fcntl.LOCK_SH, has_neighbors):
        clock.start()
        reports, disturbed = _attempt(item, nextitem)
    disturbed = disturbed or has_neighbors
    for _ in range(_ATTEMPTS - 1):
        if not (disturbed and _may_repeat(item) and _has_failed(reports)):
            break
        clock.stop()
        _log_repeated(item, reports)
        with _turn(fcntl.LOCK_EX, has_neighbors):
            _forget(item)
            _wait_for_processors(item.config)
            clock.start()
            reports, disturbed = _attempt(item, nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show an attempt that does not count as R."""
    return (_REPEATED, "R", "REPEATED") if report.outcome == _REPEATED else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was repeated, and why."""
    for report in terminalreporter.stats.get(_REPEATED, ()):
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = f"{crash.path}:{crash.lineno}: {crash.message}" if crash else report.when
        terminalreporter.write_line(f"REPEATED alone: {report.nodeid} - {reason}")


class _Clock:
    """The time-out of pytest-timeout, which has one for all attempts together."""

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGALRM)
        self._seconds, _ = signal.getitimer(signal.ITIMER_REAL)

    def start(self) -> None:
        if self._seconds:
            signal.signal(signal.SIGALRM, self._handler)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _attempt(
    item: pytest.Item, nextitem: pytest.Item | None
) -> tuple[list[pytest.TestReport], bool]:
    """Run a test; its reports, and whether the host took the processors from it meanwhile."""
    stolen, total = _processor_time()
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    stolen_after, total_after = _processor_time()
    return reports, stolen_after - stolen > _STOLEN * (total_after - total)


def _forget(item: pytest.Item) -> None:
    """End the fixtures of the file too, and what the attempt left to the collector.

    The one may be what is broken; the other would be held against a test that comes later.
    """
    with suppress(Exception, pytest.fail.Exception):
        item.session._setupstate.teardown_exact(item.session)  # type: ignore[arg-type]
    sys.last_type = sys.last_value = sys.last_traceback = None
    gc.collect()
    with suppress(Exception):
        collect_unraisable(item.config)


def _is_in_real_time(path: Path) -> bool:
    """Whether the tests of a file need a machine that keeps time."""
    return not _REAL_TIME.isdisjoint(path.relative_to(_TESTS).parts)


def _wait_for_processors(config: pytest.Config) -> None:
    """Return when the host takes nothing for a second, or patience is at an end."""
    patience = config.stash.get(_patience_left, _PATIENCE)
    while patience > 0:
        stolen, total = _processor_time()
        time.sleep(1.0)  # it is what is measured
        patience -= 1.0
        stolen_after, total_after = _processor_time()
        if stolen_after - stolen <= _STOLEN * (total_after - total):
            break
    config.stash[_patience_left] = patience


def _may_repeat(item: pytest.Item) -> bool:
    return _is_in_real_time(item.path) and item.get_closest_marker("proof") is None


def _has_failed(reports: list[pytest.TestReport]) -> bool:
    return any(report.failed for report in reports)


def _log_repeated(item: pytest.Item, reports: list[pytest.TestReport]) -> None:
    report = next(report for report in reports if report.failed)
    report.outcome = _REPEATED  # type: ignore[assignment]
    item.ihook.pytest_runtest_logreport(report=report)


@contextmanager
def _turn(kind: int, has_neighbors: bool) -> Iterator[None]:
    """Wait for a turn: beside others (LOCK_SH) or alone (LOCK_EX), among the processes of a run."""
    if not has_neighbors:
        yield
        return
    with Path(__file__).open("rb") as machine:
        # Who waits to be alone keeps others from beginning.
        with (_TESTS / "conftest.py").open("rb") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            fcntl.flock(machine, kind)
        yield


def _processor_time() -> tuple[int, int]:
    """What the host took, and all, of all processors' time since the start; 0 where nobody says.

    Source: man 5 proc_stat.
    """
    if not _STAT.exists():
        return 0, 0
    with _STAT.open(encoding="ascii") as stat:
        user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(
            int, stat.readline().split()[1:]
        )
    return steal, user + nice + system + idle + iowait + irq + softirq + steal
