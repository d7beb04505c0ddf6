"""A segmenter that runs a trained model which the application brings, as an ONNX file.

Needs the extra `effects` (onnxruntime). The model must take one RGB picture, ``(1, 3, h, w)`` or
``(1, h, w, 3)`` float32, and give one map of the person, with one channel or with two of which
the second is the person; most published portrait and selfie models are of this form. The size is
the model's own; where it leaves it open, 256 x 144 is used.

Source: the ONNX Runtime Python API, `InferenceSession`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from acs_core.errors import InvalidArgumentError, MediaError, Stage
from acs_core.media.effects.segmentation import Mask
from acs_core.media.frames import VideoFrame

__all__ = ["OnnxSegmenter"]

DEFAULT_SIZE: Final = (144, 256)
"""Height and width for models that take any; the shape of a 16:9 camera."""

_Tensor = npt.NDArray[np.float32]


class _Session(Protocol):
    """What we use of `onnxruntime.InferenceSession`."""

    def get_inputs(self) -> list[Any]: ...

    def run(self, names: None, feed: dict[str, _Tensor]) -> list[Any]: ...


class OnnxSegmenter:
    """Runs a model file on the processor."""

    def __init__(
        self,
        model: str | Path,
        *,
        mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
        deviation: tuple[float, float, float] = (1.0, 1.0, 1.0),
        threads: int = 1,
    ) -> None:
        """Name a model; it is loaded by `prepare`.

        Args:
            model: The file.
            mean: Subtracted from red, green and blue, which are 0 to 1.
            deviation: What the difference is divided by.
            threads: How many the model may use for a picture.

        Raises:
            InvalidArgumentError: A deviation is 0, or there are no threads.
        """
        if 0.0 in deviation or threads < 1:
            raise InvalidArgumentError("A deviation of 0 or less than one thread cannot work.")
        self._path = Path(model)
        self._mean = np.array(mean, dtype=np.float32)
        self._deviation = np.array(deviation, dtype=np.float32)
        self._threads = threads
        self._session: _Session | None = None
        self._input = ""
        self._is_planar = True
        self._size = DEFAULT_SIZE

    @property
    def is_available(self) -> bool:
        """Whether onnxruntime is installed and the file is there."""
        return importlib.util.find_spec("onnxruntime") is not None and self._path.is_file()

    def prepare(self) -> None:
        """Load the model; see `Segmenter`."""
        if self._session is not None:
            return
        try:
            import onnxruntime
        except ImportError as error:
            raise _unusable("onnxruntime is missing.", "Install the extra 'effects'.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        try:
            session: _Session = onnxruntime.InferenceSession(
                str(self._path), options, providers=["CPUExecutionProvider"]
            )
        # onnxruntime has no common base class of its errors.
        except Exception as error:
            raise _unusable(
                f"The model {self._path.name} cannot be loaded.", "Give an ONNX file."
            ) from error
        self._read_form(session)
        self._session = session

    def segment(self, frame: VideoFrame) -> Mask:
        """See `Segmenter`; the mask has the size of the model's output."""
        if self._session is None:
            self.prepare()
        assert self._session is not None
        height, width = self._size
        small = frame.av_frame.reformat(
            width=width, height=height, format="rgb24", interpolation="AREA"
        )
        rgb = np.asarray(small.to_ndarray(), dtype=np.float32) / 255
        picture = (rgb - self._mean) / self._deviation
        tensor = (np.moveaxis(picture, 2, 0) if self._is_planar else picture)[np.newaxis]
        result = self._session.run(None, {self._input: np.ascontiguousarray(tensor)})[0]
        return _mask(np.asarray(result, dtype=np.float32))

    def _read_form(self, session: _Session) -> None:
        inputs = session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise _unusable(
                f"The model {self._path.name} does not take one RGB picture.",
                "Give a model with an input of (1, 3, h, w) or (1, h, w, 3).",
            )
        self._input = inputs[0].name
        self._is_planar = shape[1] == 3
        sides = shape[2:] if self._is_planar else shape[1:3]
        if all(isinstance(side, int) for side in sides):
            self._size = (sides[0], sides[1])


def _mask(output: _Tensor) -> Mask:
    """Return the map of the person from whatever form the model gives it in.

    Raises:
        ValueError: It is no such map.
    """
    values = np.squeeze(output)
    if values.ndim == 3:
        channels = values if values.shape[0] == 2 else np.moveaxis(values, 2, 0)
        if channels.shape[0] != 2:
            raise ValueError(f"The model's output {output.shape} is no map of a person.")
        # Of two classes, the difference says it: a softmax or its logits, both.
        if channels.min() < 0 or channels.max() > 1:
            return _sigmoid(channels[1] - channels[0])
        values = channels[1]
    if values.ndim != 2:
        raise ValueError(f"The model's output {output.shape} is no map of a person.")
    if values.min() < 0 or values.max() > 1:
        return _sigmoid(values)
    return values


def _sigmoid(odds: _Tensor) -> Mask:
    return (1 / (1 + np.exp(-np.clip(odds, -30, 30)))).astype(np.float32)


def _unusable(message: str, next_step: str) -> MediaError:
    return MediaError(message, code=415, stage=Stage.MEDIA, next_step=next_step)
