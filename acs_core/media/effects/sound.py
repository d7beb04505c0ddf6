"""Noise suppression, by filters that come with FFmpeg.

`NoiseSuppression` needs nothing else: it subtracts a noise floor from the spectrum (`afftdn`), and
a tracker here tells the filter how loud that floor is, because the filter's own tracking does not
follow speech and pauses. `ModelNoiseSuppression` runs a recurrent network (`arnndn`, the
architecture of RNNoise) whose file the application brings.

Source: FFmpeg documentation of afftdn and arnndn; minimum statistics: Martin, "Noise Power
Spectral Density Estimation Based on Optimal Smoothing and Minimum Statistics", 2001.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import av
import av.error
import av.filter
from av.filter.context import FilterContext

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.effects.chain import AudioEffect
from acs_core.media.frames import AUDIO_RATE, AUDIO_TIME_BASE, FRAME_SAMPLES, AudioFrame
from acs_core.media.sources import MediaFrame

__all__ = ["FilterEffect", "ModelNoiseSuppression", "NoiseFloor", "NoiseSuppression"]

WINDOW: Final = 75
"""Frames of 20 ms in which speech pauses at least once: 1.5 s (Martin 2001, section V)."""

MARGIN: Final = 10.0
"""dB from the quietest frame to the floor given to the filter: measured, white noise of -61 to
-41 dBov is then reduced by nearly all of what was asked for."""

FLOOR_BOUNDS: Final = (-80.0, -30.0)
"""dB; `afftdn` takes -80 to -20, and noise above -40 dBov may as well be music."""

FLOOR_STEP: Final = 2.0
"""Smaller changes are not passed on."""


class FilterEffect(AudioEffect):
    """Sends sound through one FFmpeg filter; subclasses give `name`, `filter` and `options`.

    The graph is made with the first frame and made anew when the number of channels changes.
    """

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._context: FilterContext | None = None
        self._layout = ""

    @property
    @abstractmethod
    def filter(self) -> str:
        """FFmpeg's name of the filter."""

    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """What the filter is made with."""

    async def is_supported(self) -> bool:
        """Whether the FFmpeg in use has the filter."""
        return self.filter in av.filter.filters_available

    async def prepare(self) -> None:
        """Make the filter once, so that wrong options are found before it is switched on.

        Raises:
            MediaError: There is no such filter, or it refuses its options.
        """
        try:
            self._build("mono")
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(
                f"The filter of {self.name} cannot be made.",
                code=415,
                stage=Stage.MEDIA,
                next_step="Check its options and the FFmpeg in use.",
            ) from error

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        """See `MediaEffect`; the filter holds some of the sound back until the next frames."""
        if not isinstance(frame, av.AudioFrame):
            raise TypeError(f"{self.name} works on sound.")
        if self._graph is None or frame.layout.name != self._layout:
            self._build(frame.layout.name)
        assert self._graph is not None
        self._graph.push(frame)
        ready: list[MediaFrame] = []
        while True:
            try:
                ready.append(self._graph.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return ready

    def command(self, name: str, value: str) -> None:
        """Change an option of the running filter."""
        if self._context is not None:
            self._context.process_command(name, value)

    def _build(self, layout: str) -> None:
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            format="s16", sample_rate=AUDIO_RATE, layout=layout, time_base=AUDIO_TIME_BASE
        )
        context = graph.add(self.filter, **self.options())
        # Filters work on floats and in blocks of their own; senders want frames of 20 ms.
        steps = (
            source,
            context,
            graph.add("aformat", sample_fmts="s16", channel_layouts=layout),
            graph.add("asetnsamples", n=str(FRAME_SAMPLES), p="0"),
            graph.add("abuffersink"),
        )
        graph.link_nodes(*steps).configure()
        self._graph, self._context, self._layout = graph, context, layout


class NoiseFloor:
    """Follows how loud it is when nobody speaks. Pure."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=WINDOW)

    def hear(self, level_dbov: float) -> float:
        """Take the level of 20 ms of sound; return the floor in dBov, digital silence left out.

        Silence is a muted microphone and says nothing about the room; before anything was heard
        the lower bound of the filter is returned, with which it does nothing.
        """
        if level_dbov > FLOOR_BOUNDS[0]:
            self._levels.append(level_dbov)
        if len(self._levels) < 5:
            return FLOOR_BOUNDS[0]
        # Not the very quietest: one odd frame is no floor.
        return sorted(self._levels)[len(self._levels) // 20]


class NoiseSuppression(FilterEffect):
    """Reduces steady noise (fans, hiss); speech and tones stay. Always there."""

    def __init__(self, reduction_db: float = 20.0) -> None:
        """Make the effect.

        Args:
            reduction_db: By how much noise is reduced at most, 1 to 40.

        Raises:
            InvalidArgumentError: The reduction is out of range.
        """
        super().__init__()
        if not (math.isfinite(reduction_db) and 1 <= reduction_db <= 40):
            raise InvalidArgumentError(f"No reduction by {reduction_db} dB; use 1 to 40.")
        self._reduction = reduction_db
        self._floor = NoiseFloor()
        self._told = FLOOR_BOUNDS[0]

    @property
    def name(self) -> str:
        """`NoiseSuppression`."""
        return "NoiseSuppression"

    @property
    def filter(self) -> str:
        """`afftdn`."""
        return "afftdn"

    def options(self) -> Mapping[str, str]:
        """See `FilterEffect`."""
        return {"nr": f"{self._reduction:.1f}", "nf": f"{self._told:.1f}"}

    def process(self, frame: MediaFrame) -> Sequence[MediaFrame]:
        """Listen for the floor, tell the filter, filter."""
        if isinstance(frame, av.AudioFrame):
            heard = self._floor.hear(AudioFrame.from_av(frame).level_dbov)
            lowest, highest = FLOOR_BOUNDS
            wanted = lowest if heard <= lowest else min(heard + MARGIN, highest)
            if abs(wanted - self._told) >= FLOOR_STEP:
                self._told = wanted
                self.command("nf", f"{wanted:.1f}")
        return super().process(frame)


class ModelNoiseSuppression(FilterEffect):
    """Keeps speech and removes the rest, as far as the model can tell."""

    def __init__(self, model: str | Path) -> None:
        """Name a model file in the text format of `arnndn`; see its documentation."""
        super().__init__()
        self._model = Path(model)

    @property
    def name(self) -> str:
        """`ModelNoiseSuppression`."""
        return "ModelNoiseSuppression"

    @property
    def filter(self) -> str:
        """`arnndn`."""
        return "arnndn"

    async def is_supported(self) -> bool:
        """Whether the FFmpeg in use has the filter, and the model file is there."""
        return await super().is_supported() and self._model.is_file()

    def options(self) -> Mapping[str, str]:
        """See `FilterEffect`."""
        return {"m": str(self._model)}
