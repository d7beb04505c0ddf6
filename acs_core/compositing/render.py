"""Renders one job: tick by tick, pictures and sound side by side. Blocks.

Memory stays bounded however long a job is: of each open track there are two pictures and what is
left of a block of sound; tracks are open only while they are shown or heard.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import av

from acs_core.compositing.job import FRAME_RATE, Rendered, RenderJob, part_name
from acs_core.compositing.output import Output, complete, open_output
from acs_core.compositing.periods import Ticks, kept, ticks
from acs_core.compositing.pictures import Pictures
from acs_core.compositing.sounds import Sounds
from acs_core.disks import check_free_space
from acs_core.errors import MediaError, Stage
from acs_core.media.frames import AUDIO_RATE

__all__ = ["render"]

CODEC_CHANNELS: Final = 2
"""Channels that files other than wav have at most."""


def render(job: RenderJob, report: Callable[[float], None]) -> Rendered:
    """Write the file of a job.

    Args:
        job: What to render.
        report: Hears how much is done, 0 to 1, after each picture.

    Raises:
        MediaError: A track cannot be read, the file cannot be written, too little is free on the
            disk, or there is nothing to render. No file is left behind.
    """
    path = Path(job.output)
    part = path.with_name(part_name(path.name, os.getpid()))
    try:
        duration = _write(job, part, report)
        # Reading a long file takes a while, too, and whoever waits must know that it goes on.
        size = complete(part, path, duration, lambda: report(1.0))
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be written: {error}.", stage=Stage.MEDIA) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return Rendered(duration=duration, size=size)


def _write(job: RenderJob, part: Path, report: Callable[[float], None]) -> float:
    """Write all of it; returns its seconds."""
    rate = FRAME_RATE if job.video is None else job.video.frame_rate
    origin = min((track.start for track in job.tracks), default=0.0)
    with ExitStack() as stack:
        pictures = sounds = None
        if job.video is not None:
            pictures = Pictures(job.video, job.tracks)
            stack.callback(pictures.close)
        if job.audio is not None:
            sounds = Sounds(job.audio, job.tracks, origin)
            stack.callback(sounds.close)
        chosen = (frozenset() if pictures is None else pictures.tracks) | (
            frozenset() if sounds is None else sounds.tracks
        )
        spans = [(job.tracks[number].start, job.tracks[number].end) for number in chosen]
        plan = list(ticks(kept(spans, job.periods, is_trimmed=job.is_trimmed), rate))
        if not chosen or not plan:
            raise MediaError("There is nothing to render: no track was chosen.", stage=Stage.MEDIA)
        check_free_space(part.parent, job.floor)
        output = _open(job, part, sounds)
        stack.callback(output.close)

        def progressed(done: int, total: int) -> None:
            if done % rate == 0:
                check_free_space(part.parent, job.floor)
            report(done / total)

        _render_ticks(plan, rate, origin, pictures, sounds, output, progressed)
        output.finish()
    return sum(period.length for period in plan) / rate


def _open(job: RenderJob, part: Path, sounds: Sounds | None) -> Output:
    video = audio = None
    if job.video is not None:
        video = (job.video.width & ~1, job.video.height & ~1, job.video.frame_rate)
    if job.audio is not None and sounds is not None:
        audio = (sounds.channels, job.audio.rate)
    return open_output(part, job.format, video=video, audio=audio)


def _render_ticks(
    plan: Sequence[Ticks],
    rate: int,
    origin: float,
    pictures: Pictures | None,
    sounds: Sounds | None,
    output: Output,
    progressed: Callable[[int, int], None],
) -> None:
    """Write every tick, and tell after each how many of how many are done."""
    block = AUDIO_RATE // rate
    total = sum(period.length for period in plan)
    done = 0
    for period in plan:
        position = round((period.start - origin) * AUDIO_RATE)
        for number in range(period.length):
            if pictures is not None:
                output.write_picture(pictures.at(period.start + number / rate))
            if sounds is not None:
                samples = sounds.read(position + number * block, block)
                if samples is not None:
                    output.write_sound(samples)
            done += 1
            progressed(done, total)
    rest = None if sounds is None else sounds.flush()
    if rest is not None:
        output.write_sound(rest)
