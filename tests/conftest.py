"""Fixtures that every test may use, and the rules every test obeys."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.register_profile("proof", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

pytest_plugins = ["tests.support.real_time"]


class FileScheduling(LoadScopeScheduling):
    """A file's tests run in one process, and everything that drives a browser in the same one.

    Two browsers would take the time from each other that their media needs. Marks of
    pytest-xdist's `loadgroup` do not reach its scheduler with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        is_browser = "/interop/" in file and "/test_node_" not in file
        return "browser" if is_browser else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """Name the scheduler of `make test`; called in the process that gives out the tests."""
    return FileScheduling(config, log)


@pytest.fixture(autouse=True)
def rules_of_coroutines(request: pytest.FixtureRequest) -> None:
    """What is asked of tests that have an event loop; to make one for each other takes a minute."""
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("real_time")
        request.getfixturevalue("no_task_left_behind")


@pytest.fixture
async def no_task_left_behind() -> AsyncIterator[None]:
    """Whatever a test starts, it ends: tasks that outlive it are failures."""
    before = asyncio.all_tasks()
    yield
    for _ in range(5):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.wait(left, timeout=0.2)
    names = ", ".join(sorted(repr(task.get_coro()) for task in left))
    for task in left:
        task.cancel()
    await asyncio.wait(left, timeout=1)
    pytest.fail(f"tasks were left running: {names}")


@pytest.fixture(scope="session")
def x_server() -> Iterator[str]:
    """The number of a screen that nobody sees; one for all, since Tk never leaves its server."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield number
    server.terminate()
    server.wait(timeout=5)


@pytest.fixture
def display(x_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of windows."""
    monkeypatch.setenv("DISPLAY", f":{x_server}")
