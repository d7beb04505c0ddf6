"""A PostgreSQL server of the tests' own: in a directory of its own, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["postgres"]

START_DEADLINE = 30.0
INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian has it, by version; not on PATH."""


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database, which goes with the block; skips where there is no server."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # It refuses to run as root.
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, _free_port() as port:
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        data = f"{folder}/data"
        subprocess.run(
            [programs / "initdb", "--auth=trust", "--no-sync", "--username=tests", data],
            check=True,
            capture_output=True,
            timeout=START_DEADLINE,
            cwd=folder,
            **owner,
        )
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            **owner,
        )
        try:
            assert server.stderr is not None
            if not any("ready to accept connections" in line for line in server.stderr):
                pytest.fail("PostgreSQL did not start")
            yield f"postgresql://tests@127.0.0.1:{port}/postgres"
        finally:
            # SIGQUIT: at once.
            server.send_signal(3)
            server.wait(START_DEADLINE)
            server.stderr.close()


def _programs() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    found = sorted(INSTALLED.glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def _free_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    yield port
