"""Runs the renderer in a process of its own, and ends it.

A decoder that crashes, a file that lets one hang, a lack of memory: each ends the process, and its
job fails. The process ends with the service, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from acs_core.compositing.job import (
    Failed,
    Message,
    Progress,
    Rendered,
    RenderJob,
    decode_message,
    encode,
    part_name,
)
from acs_core.errors import MediaError, ProtocolError, Stage

__all__ = ["COMMAND", "STALL_TIMEOUT", "render_apart"]

COMMAND: Final = (sys.executable, "-m", "acs_core.compositing")
STALL_TIMEOUT: Final = 120.0
"""Seconds without a word from the renderer: it speaks every half second, but for the end of a long
file, which is written anew."""
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables that the renderer is given."""


async def render_apart(
    job: RenderJob,
    on_progress: Callable[[float], None],
    *,
    command: Sequence[str] = COMMAND,
    stall_timeout: float = STALL_TIMEOUT,
) -> Rendered:
    """Render a job; the process is gone when this returns, is cancelled or fails.

    Args:
        job: What to render.
        on_progress: Hears how much is done, 0 to 1, up to twice a second.
        command: Starts the renderer.
        stall_timeout: Seconds without a word after which it is ended.

    Raises:
        MediaError: There is no file: the renderer says why, crashed, or stood still.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_environment(),
        )
    except OSError as error:
        raise _failed(f"The renderer cannot be started: {error}.") from error
    try:
        return await _converse(process, job, on_progress, stall_timeout)
    except TimeoutError as error:
        raise _failed(f"The renderer stood still for {stall_timeout:g} s.") from error
    except ProtocolError as error:
        raise _failed(error.message) from error
    finally:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        # A killed process is gone at once.
        await process.wait()
        left = Path(job.output).with_name(part_name(Path(job.output).name, process.pid))
        await asyncio.to_thread(left.unlink, missing_ok=True)


async def _converse(
    process: asyncio.subprocess.Process,
    job: RenderJob,
    on_progress: Callable[[float], None],
    stall_timeout: float,
) -> Rendered:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(encode(job))
        async with asyncio.timeout(stall_timeout):
            await process.stdin.drain()
    while True:
        async with asyncio.timeout(stall_timeout):
            line = await process.stdout.readline()
        if not line:
            async with asyncio.timeout(stall_timeout):
                code = await process.wait()
            raise _failed(f"The renderer ended without a result (exit code {code}).")
        message: Message = decode_message(line)
        match message:
            case Progress(done=done):
                on_progress(done)
            case Failed(reason=reason):
                raise _failed(reason)
            case Rendered():
                async with asyncio.timeout(stall_timeout):
                    await process.wait()
                return message


def _environment() -> dict[str, str]:
    """What of ours a program needs to run, and where this very package is.

    The service may run from a source tree. Its secrets are no business of who decodes what clients
    have sent.
    """
    here = str(Path(__file__).parents[3])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _failed(reason: str) -> MediaError:
    return MediaError(reason, stage=Stage.MEDIA)
