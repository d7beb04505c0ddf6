"""Make the two sample files of the examples: `speech.wav` and `clip.mp4`.

Run it as ``python migration_examples/media/make_samples.py``; it writes beside itself. The speech
needs the program espeak-ng (Debian package espeak-ng). Nothing else is read: both files are made
from what stands here, which is why they may be given away (see README.md).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent

TEXT = (
    "Hello, this is a sample voice, made by a program. "
    "If you can hear it, sound arrives. One, two, three, four, five."
)
SPEECH_RATE = 24_000
PEAK = 0.7

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 25, 8
Image = npt.NDArray[np.float32]  # (height, width, 3), 0 to 1

# Color of the sky from top to horizon, at dawn and at noon.
DAWN = np.array([[0.10, 0.09, 0.28], [0.98, 0.55, 0.38]], dtype=np.float32)
NOON = np.array([[0.16, 0.42, 0.80], [0.78, 0.90, 0.98]], dtype=np.float32)
# Hills from far to near: height on the screen, size, waves across the screen, turns per clip.
HILLS = [(0.60, 0.07, 2, 1), (0.70, 0.09, 3, 2), (0.83, 0.08, 2, 3)]
HILL_DAWN = np.array([0.25, 0.18, 0.38], dtype=np.float32)
HILL_NOON = np.array([0.20, 0.48, 0.30], dtype=np.float32)


def make_speech(path: Path) -> None:
    """Let espeak-ng say the text; bring it to 24 kHz mono and to an even loudness."""
    program = shutil.which("espeak-ng")
    if program is None:
        sys.exit("espeak-ng is not installed; on Debian: apt-get install espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        command = [program, "-v", "en-us", "-s", "185", "-p", "45", "-w", str(raw), TEXT]
        subprocess.run(command, check=True, timeout=60)
        samples = read_mono(raw)
    scaled = samples.astype(np.float64) * (PEAK * 32767 / np.abs(samples).max())
    silence = np.zeros(SPEECH_RATE // 5)
    padded = np.concatenate([silence, scaled, silence]).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        file.writeframes(padded.tobytes())


def read_mono(path: Path) -> npt.NDArray[np.int16]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(parts)


def make_clip(path: Path) -> None:
    """Draw a day over rolling hills that ends as it began, so that it loops without a jump."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "25", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = FPS
        for number in range(FPS * SECONDS):
            picture = np.clip(draw(number / (FPS * SECONDS)) * 255, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def draw(phase: float) -> Image:
    """Draw the scene at a phase of 0 to 1 of the clip."""
    day = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    top, horizon = DAWN + (NOON - DAWN) * day
    fade = np.clip(y / (HEIGHT * 0.7), 0, 1)[..., np.newaxis]
    image: Image = top + (horizon - top) * fade
    add_stars(image, 1 - day)
    add_sun(image, x, y, phase, day)
    for number in range(4):
        add_bird(image, x, y, phase, number)
    for depth, (level, size, waves, turns) in enumerate(HILLS):
        ridge = HEIGHT * (level + size * ridge_line(x[0], waves, turns, phase))
        near = 0.55 + 0.45 * depth / len(HILLS)
        color = HILL_DAWN + (HILL_NOON - HILL_DAWN) * day
        color = horizon + (color - horizon) * near
        # One pixel of softness keeps the edge from flickering.
        cover = np.clip(y - ridge + 0.5, 0, 1)[..., np.newaxis]
        shade = 1 - 0.35 * np.clip((y - ridge) / HEIGHT * 3, 0, 1)[..., np.newaxis]
        image += (color * shade - image) * cover
    return image


def ridge_line(x: npt.NDArray[np.float32], waves: int, turns: int, phase: float) -> Image:
    angle = 2 * np.pi * (x / WIDTH * waves + turns * phase)
    # Whole multiples only: the line must meet itself after a whole clip.
    line = 0.6 * np.sin(angle) + 0.3 * np.sin(2 * angle + 1.0) + 0.1 * np.sin(5 * angle + 2.0)
    return np.asarray(line, dtype=np.float32)


def add_stars(image: Image, darkness: float) -> None:
    places = np.random.default_rng(7)
    rows = places.integers(0, HEIGHT // 2, 70)
    columns = places.integers(0, WIDTH, 70)
    image[rows, columns] += (places.uniform(0.2, 0.9, 70) * darkness**3)[:, np.newaxis]


def add_sun(
    image: Image, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], phase: float, day: float
) -> None:
    left = WIDTH * (0.5 - 0.38 * np.cos(2 * np.pi * phase))
    top = HEIGHT * (0.62 - 0.42 * day)
    distance = np.hypot(x - left, y - top)
    warm = np.array([1.0, 0.72 + 0.25 * day, 0.35 + 0.5 * day], dtype=np.float32)
    glow = (0.55 * np.exp(-distance / 60))[..., np.newaxis]
    disc = np.clip(25 - distance, 0, 1)[..., np.newaxis]
    image += (warm - image) * np.maximum(glow, disc)


def add_bird(
    image: Image, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], phase: float, number: int
) -> None:
    left = (WIDTH + 80) * ((phase * 2 + 0.07 * number) % 1) - 40
    top = HEIGHT * (0.24 + 0.035 * (number % 3)) + 8 * np.sin(2 * np.pi * (phase * 3 + number / 4))
    beat = np.sin(2 * np.pi * (phase * 24 + number / 3))
    across = np.abs(x - left)
    wing = top - across * (0.25 + 0.4 * beat) + across**2 * 0.03
    cover = np.clip(1.6 - np.abs(y - wing), 0, 1) * (across < 12)
    image *= 1 - 0.85 * cover[..., np.newaxis]


if __name__ == "__main__":
    make_speech(HERE / "speech.wav")
    make_clip(HERE / "clip.mp4")
