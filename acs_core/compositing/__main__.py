"""The process that renders: one job from standard input, then messages on standard output.

It yields to everything else on the machine, and ends when whoever started it ends: standard input
is held open by that, and closes with it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Final

from acs_core.compositing.job import Failed, Message, Progress, decode_job, encode
from acs_core.compositing.render import render
from acs_core.errors import CallingError

__all__ = ["main"]

NICENESS: Final = 5
REPORT_INTERVAL: Final = 0.5
"""Seconds between two reports, at least."""
ABANDONED: Final = 3
"""Exit code when nobody waits for the result any more."""


class _Reports:
    """Tells how much is done, not too often."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def tell(self, done: float) -> None:
        """Report, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._last >= REPORT_INTERVAL:
            self._last = now
            _say(Progress(done))


def main() -> int:
    """Render; the exit code is 0 when the file is there, else 1."""
    os.nice(NICENESS)
    # What people said is for the owner of the service only.
    os.umask(0o077)
    # Text would go through a codec and be held back.
    job_line = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    result: Message
    try:
        result = render(decode_job(job_line), _Reports().tell)
    except CallingError as error:
        result = Failed(error.message)
    _say(result)
    return 1 if isinstance(result, Failed) else 0


def _say(message: Message) -> None:
    sys.stdout.buffer.write(encode(message))
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    # Not through `sys.stdin`, whose lock the interpreter wants when it ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    # Not `sys.exit`, which would wait for the other thread.
    os._exit(ABANDONED)


if __name__ == "__main__":
    sys.exit(main())
