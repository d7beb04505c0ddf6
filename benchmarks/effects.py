"""What effects cost: milliseconds for a picture of 640 x 360, and for 20 ms of sound."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from acs_core.media.effects.backgrounds import BackgroundBlur, BackgroundReplacement, blend
from acs_core.media.effects.model import OnnxSegmenter
from acs_core.media.effects.segmentation import BasicSegmenter, Segmenter
from acs_core.media.effects.sound import NoiseSuppression
from acs_core.media.frames import FRAME_SAMPLES, VideoFrame, av_audio_frame
from acs_core.media.patterns import PatternPainter
from benchmarks.report import Cell, Result, Spread, percentile

__all__ = ["MODEL_VARIABLE", "measure_effects"]

_Item = TypeVar("_Item")

WIDTH: Final = 640
HEIGHT: Final = 360
PICTURES: Final = 10
"""Different ones, used in turn."""

MODEL_VARIABLE: Final = "SEGMENTATION_MODEL"
"""Environment variable with the path of an ONNX model to measure too."""


async def measure_effects(*, pictures: int = 100, repetitions: int = 5) -> Result:
    """Measure each segmenter alone, the effects with it, and noise suppression."""
    frames = _frames()
    rows: list[tuple[Cell, ...]] = []
    notes = ["one thread, one picture after the other; a sender has 33 ms at 30 per second"]
    for name, segmenter in _segmenters(notes).items():
        steps: dict[str, Callable[[VideoFrame], object]] = {
            "mask": segmenter.segment,
            "blur": BackgroundBlur(segmenter=segmenter).apply,
            "replacement": BackgroundReplacement(segmenter=segmenter).apply,
        }
        for what, step in steps.items():
            rows.append(_row(f"{name}: {what}", step, frames, pictures, repetitions))
    mask = np.linspace(0, 1, 160 * 90, dtype=np.float32).reshape(90, 160)
    rows.append(
        _row("blending", lambda item: blend(item, item, mask), frames, pictures, repetitions)
    )
    grain = np.random.default_rng(1).normal(0, 100, (FRAME_SAMPLES, 1)).astype(np.int16)
    sounds = [av_audio_frame(grain, pts=number * FRAME_SAMPLES) for number in range(PICTURES)]
    suppression = NoiseSuppression()
    rows.append(_row("noise suppression", suppression.process, sounds, pictures, repetitions))
    return Result(
        "effects",
        f"pictures of {WIDTH} x {HEIGHT}, sound in frames of 20 ms; {pictures} per repetition",
        ("step", "median ms", "95th percentile ms"),
        tuple(rows),
        tuple(notes),
    )


def _segmenters(notes: list[str]) -> dict[str, Segmenter]:
    found: dict[str, Segmenter] = {"basic": BasicSegmenter()}
    path = os.environ.get(MODEL_VARIABLE)
    if path is None:
        notes.append(f"no model measured: name one by {MODEL_VARIABLE}")
        return found
    model = OnnxSegmenter(path)
    model.prepare()
    return found | {Path(path).name: model}


def _frames() -> list[VideoFrame]:
    painter = PatternPainter(WIDTH, HEIGHT, (120, 120, 120))
    return [
        VideoFrame.from_ndarray(painter.draw(number), format="yuv420p")
        for number in range(PICTURES)
    ]


def _row(
    name: str,
    step: Callable[[_Item], object],
    items: Sequence[_Item],
    count: int,
    repetitions: int,
) -> tuple[Cell, ...]:
    step(items[0])  # What is made with the first picture is not a picture's cost.
    medians, tails = [], []
    for _ in range(repetitions):
        times = [_timed(step, items[number % len(items)]) for number in range(count)]
        medians.append(percentile(times, 0.5))
        tails.append(percentile(times, 0.95))
    return name, Spread.of(medians, 2), Spread.of(tails, 2)


def _timed(step: Callable[[_Item], object], item: _Item) -> float:
    began = time.perf_counter()
    step(item)
    return (time.perf_counter() - began) * 1000
