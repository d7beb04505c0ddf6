"""Models of the application; those that run one are skipped where onnxruntime is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, MediaError
from acs_core.media.effects.model import OnnxSegmenter
from acs_core.media.frames import VideoFrame
from tests.support.onnx_models import red_is_person

HAS_RUNTIME = importlib.util.find_spec("onnxruntime") is not None
runs_models = pytest.mark.skipif(
    not HAS_RUNTIME, reason="onnxruntime is missing: install the extra 'effects'"
)


def half_red() -> VideoFrame:
    picture = np.zeros((180, 320, 3), dtype=np.uint8)
    picture[:, :160] = (220, 20, 20)
    picture[:, 160:] = (20, 20, 220)
    return VideoFrame.from_ndarray(picture)


@runs_models
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("is_planar", [True, False])
@pytest.mark.parametrize("size", [(48, 80), ("height", "width")])
def test_the_person_is_where_the_model_says(
    tmp_path: Path, size: tuple[int | str, int | str], channels: int, is_planar: bool
) -> None:
    path = tmp_path / "red.onnx"
    path.write_bytes(red_is_person(size, channels=channels, is_planar=is_planar))
    segmenter = OnnxSegmenter(path)
    assert segmenter.is_available
    segmenter.prepare()
    mask = segmenter.segment(half_red())
    assert mask.dtype == np.float32
    assert mask.shape == ((48, 80) if size == (48, 80) else (144, 256))
    middle = mask.shape[1] // 2
    assert mask[:, : middle - 2].min() > 0.95
    assert mask[:, middle + 2 :].max() < 0.05


@runs_models
def test_pictures_are_normalized_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "red.onnx"
    path.write_bytes(red_is_person((48, 80)))
    dim = OnnxSegmenter(path, mean=(1, 0, 0), deviation=(1, 1, 1))
    assert dim.segment(half_red()).max() < 0.5


@runs_models
def test_a_damaged_model_gives_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError, match="cannot be loaded"):
        OnnxSegmenter(path).prepare()


@runs_models
def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.onnx"
    # A valid network, of which no side has the three colors of a picture.
    path.write_bytes(
        red_is_person((48, 80)).replace(b"\x08\x03\x0a\x02\x08\x30", b"\x08\x05\x0a\x02\x08\x30")
    )
    with pytest.raises(MediaError):
        OnnxSegmenter(path).prepare()


@pytest.mark.skipif(HAS_RUNTIME, reason="onnxruntime is installed")
def test_without_the_extra_models_are_unavailable_and_the_error_says_why(tmp_path: Path) -> None:
    path = tmp_path / "red.onnx"
    path.write_bytes(red_is_person((48, 80)))
    segmenter = OnnxSegmenter(path)
    assert not segmenter.is_available
    with pytest.raises(MediaError, match="extra 'effects'"):
        segmenter.prepare()


def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    assert not OnnxSegmenter(tmp_path / "none.onnx").is_available


@pytest.mark.parametrize("wrong", [{"deviation": (1.0, 0.0, 1.0)}, {"threads": 0}])
def test_senseless_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        OnnxSegmenter("model.onnx", **wrong)  # type: ignore[arg-type]
