"""Runs the command line: in a process of its own as a user does, or in this one, which is quick.

A process takes seconds to start. Each command is run in one by some test; what else there is to see
of it (its output, its exit code) is the same in this process.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from unittest import mock

from twilio_compat.__main__ import main

__all__ = ["Result", "Served", "clean_environment", "command", "run", "run_process", "served"]

_TIMEOUT = 50.0
_OURS = ("TWILIO_", "ACS_", "CALLING_")


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The JSON lines of one event."""
        return [line for line in self.lines if line.get("event") == name]


@dataclass(frozen=True)
class Served:
    """A running `serve --dev`."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    credentials: dict[str, str]

    @property
    def url(self) -> str:
        """Of the service."""
        return str(self.ready["url"])

    def run(self, *arguments: str, **changes: str) -> Result:
        """Run a command with this server's credentials, and some changes to the environment."""
        return run(*arguments, environment={**self.credentials, **changes})

    def run_process(self, *arguments: str) -> Result:
        """The same in a process of its own."""
        return run_process(*arguments, environment=self.credentials)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment without settings of ours, and with others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "120", **extra}


def command(*arguments: str) -> list[str]:
    """What runs the command line."""
    return [sys.executable, "-m", "twilio_compat", *arguments]


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    """Run a command to its end in this process; on the main thread, without an event loop."""
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with (
        mock.patch.dict(os.environ, clean_environment(environment or {}), clear=True),
        mock.patch.object(sys, "argv", ["twilio-compat", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert code is None or isinstance(code, int)
    return Result(code or 0, out.getvalue(), err.getvalue())


def run_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    """Run a command to its end in a process of its own, in 50 s at most."""
    done = subprocess.run(
        command(*arguments),
        env=clean_environment(environment or {}),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def served(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run `serve --dev` on free ports; stopped at the end if it still runs.

    Args:
        arguments: Further ones.
        environment: Settings, such as the credentials of an earlier server.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stderr"
        with path.open("w") as errors:
            process = subprocess.Popen(
                command("serve", "--dev", "--port", "0", "--media-port", "0", *arguments),
                env=clean_environment(environment or {}),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                yield _read(process, path)
            finally:
                _end(process)


def _read(process: subprocess.Popen[str], path: Path) -> Served:
    line = _stdout(process).readline()
    assert line, path.read_text()
    exported = (
        text.removeprefix("export ").partition("=")
        for text in path.read_text().splitlines()
        if text.startswith("export ")
    )
    return Served(process, json.loads(line), {name: value for name, _, value in exported})


def _stdout(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _stdout(process).close()
