"""The wheel: it builds, installs without a network, and importing it does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SITE_PACKAGES = sysconfig.get_path("purelib")
IMPORTS = "import acs_core, acs_core.legacy, acs_core.service, twilio_compat, mapping"

# Python tells audit hooks of sockets, programs and files (PEP 578). Reading files is what an import
# is; anything else would be a side effect. One is not ours and is kept apart: ifaddr, with which
# aioice lists network addresses, has ctypes ask the system's ldconfig for libc when it is imported.
WATCH = f"""
import ifaddr, json, os, sys, threading

seen = []

def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.mkdir")):
        seen.append(event)
    if event == "open" and (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        seen.append(f"open {{args[0]}}")

before = threading.active_count()
sys.addaudithook(watch)
{IMPORTS}
print(json.dumps({{
    "seen": seen,
    "threads": threading.active_count() - before,
    "homes": [module.__file__ for module in (acs_core, twilio_compat, mapping)],
}}))
"""


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment in which the wheel is installed, and nothing else."""
    folder = tmp_path_factory.mktemp("install")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    options = ("--no-deps", "--no-build-isolation", "--wheel-dir")
    run(*pip, "wheel", *options, folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    fresh = folder / "venv" / "bin" / "python"
    run(*pip, "--python", fresh, "install", "--no-deps", wheel)
    return fresh


def imported(python: Path) -> dict[str, Any]:
    # Only what the packages depend on comes from here: .pth files are not read from PYTHONPATH.
    found: dict[str, Any] = json.loads(run(python, "-PB", "-c", WATCH, PYTHONPATH=SITE_PACKAGES))
    return found


@pytest.mark.feature("INSTALL-001", "MATRIX-010")
def test_the_wheel_installs_without_a_network_and_brings_three_packages(python: Path) -> None:
    homes = [Path(home) for home in imported(python)["homes"]]
    assert [home.parent.name for home in homes] == ["acs_core", "twilio_compat", "mapping"]
    assert all(home.is_relative_to(python.parents[1]) for home in homes)
    assert all((home.parent / "py.typed").exists() for home in homes[:2])


@pytest.mark.feature("MATRIX-011")
def test_importing_starts_nothing_and_writes_nothing(python: Path) -> None:
    found = imported(python)
    assert found["seen"] == []
    assert found["threads"] == 0
