from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from acs_core.compositing.job import AudioPart, FileFormat, RenderJob, SourceTrack, encode
from acs_core.errors import MediaError
from acs_core.service.compositions.process import render_apart
from tests.support.events import until
from tests.support.track_files import lengths, write_tone


def job(folder: Path, *tracks: SourceTrack) -> RenderJob:
    output = str(folder / "out.wav")
    return RenderJob(output=output, format=FileFormat.WAV, tracks=tracks, audio=AudioPart())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def saying(*lines: str, then: str = "") -> list[str]:
    """A renderer that has a text to say."""
    script = f"import sys\nfor line in {list(lines)!r}: print(line, flush=True)\n{then}"
    return [sys.executable, "-c", script]


async def test_a_job_is_rendered_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    track = write_tone(tmp_path / "a.mka", 440, 2.0)
    rendered = await render_apart(job(tmp_path, track), lambda _: None)
    assert rendered.duration == 2.0
    assert abs(lengths(tmp_path / "out.wav")["audio"] - 2.0) < 0.1
    assert names(tmp_path) == ["a.mka", "out.wav"]


async def test_the_renderer_says_why_it_failed(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nothing to render"):
        await render_apart(job(tmp_path), lambda _: None)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (saying(then="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), "exit code -11"),
        (saying(then="sys.exit(0)"), "exit code 0"),
        (saying("what?"), "unknown"),
        (saying('{"type":"progress","done":0.5}', then="sys.stdin.read()"), "stood still"),
        (saying('{"type":"failed","reason":"no disk"}'), "no disk"),
        (["/nowhere/renderer"], "cannot be started"),
    ],
)
async def test_every_end_of_the_renderer_has_a_reason(
    tmp_path: Path, command: list[str], reason: str
) -> None:
    seen: list[float] = []
    with pytest.raises(MediaError, match=reason):
        await render_apart(job(tmp_path), seen.append, command=command, stall_timeout=1.0)
    assert names(tmp_path) == []


async def test_the_renderer_does_not_know_the_secrets_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACS_ACCESS_KEY", "canary")
    script = (
        "import json, os, sys\n"
        "print(json.dumps({'type': 'failed', 'reason': ' '.join(map(str, os.environ.items()))}))"
    )
    with pytest.raises(MediaError) as caught:
        await render_apart(job(tmp_path), lambda _: None, command=[sys.executable, "-c", script])
    assert "PATH" in caught.value.message
    assert "canary" not in caught.value.message


async def test_a_cancelled_job_leaves_neither_process_nor_file(tmp_path: Path) -> None:
    (tmp_path / "pid").touch()
    # It leaves an unfinished file behind, as a renderer that is killed does.
    script = (
        "import os, pathlib, sys\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / f'out.wav.{os.getpid()}.part').touch()\n"
        "(here / 'pid').write_text(str(os.getpid()))\n"
        'print(\'{"type":"progress","done":0.5}\', flush=True)\n'
        "sys.stdin.read()"
    )
    begun = asyncio.Event()
    task = asyncio.create_task(
        render_apart(job(tmp_path), lambda _: begun.set(), command=[sys.executable, "-c", script])
    )
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert names(tmp_path) == ["pid"]


async def test_the_renderer_ends_with_whoever_started_it(tmp_path: Path) -> None:
    track = write_tone(tmp_path / "a.mka", 440, 30.0)
    long = tuple(
        SourceTrack(path=track.path, is_video=False, start=30.0 * n, duration=30.0, labels=("a",))
        for n in range(400)
    )
    starter = (
        "import asyncio, sys\n"
        "from acs_core.compositing.job import decode_job\n"
        "from acs_core.service.compositions.process import render_apart\n"
        "job = decode_job(sys.stdin.buffer.readline())\n"
        "asyncio.run(render_apart(job, lambda done: print(done, flush=True)))"
    )
    root = str(Path(__file__).parents[4])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        starter,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(encode(job(tmp_path, *long)))
    await process.stdin.drain()
    assert await asyncio.wait_for(process.stdout.readline(), 30)
    (part,) = [name for name in names(tmp_path) if name.endswith(".part")]
    renderer = int(part.split(".")[-2])
    process.send_signal(signal.SIGKILL)
    # Its standard output closes when nobody holds it any more.
    await asyncio.wait_for(process.wait(), 10)
    process.stdin.close()
    await until(lambda: not Path(f"/proc/{renderer}").exists())
    assert names(tmp_path) == ["a.mka", part]
