import av
import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import VideoFrame
from acs_core.media.scaling import ScalingMode
from acs_core.media.sinks import FrameSurface, save_picture


def frame_of(rows: list[list[int]]) -> VideoFrame:
    gray = np.array(rows, dtype=np.uint8)
    return VideoFrame.from_ndarray(np.repeat(gray[:, :, np.newaxis], 3, axis=2))


@pytest.mark.feature("RENDER-009", "RENDER-022")
def test_surface_shows_the_newest_frame_in_its_own_size() -> None:
    surface = FrameSurface()
    assert surface.is_blank
    assert surface.image.shape == (0, 0, 3)
    surface.show(frame_of([[1, 2], [3, 4]]))
    surface.show(frame_of([[5, 6, 7, 8], [9, 10, 11, 12]]))
    assert surface.size == (4, 2)
    assert surface.image[:, :, 0].tolist() == [[5, 6, 7, 8], [9, 10, 11, 12]]
    assert surface.image is surface.image
    assert surface.frame_count == 2
    with pytest.raises(ValueError, match="read-only"):
        surface.image[:] = 0


@pytest.mark.feature("RENDER-010")
def test_surface_goes_blank_and_keeps_its_size() -> None:
    surface = FrameSurface()
    surface.show(frame_of([[200, 200], [200, 200]]))
    surface.blank()
    assert surface.frame is None
    assert surface.image.shape == (2, 2, 3)
    assert not surface.image.any()


@pytest.mark.feature("RENDER-021", "RENDER-023", "RENDER-026")
def test_scaling_and_mirroring_take_effect_at_once() -> None:
    surface = FrameSurface(4, 4)
    assert surface.scaling_mode is ScalingMode.STRETCH
    surface.show(frame_of([[1, 2, 3, 4], [5, 6, 7, 8]]))
    assert surface.image[:, 0, 0].tolist() == [1, 1, 5, 5]
    surface.scaling_mode = ScalingMode.FIT
    assert surface.image[:, 0, 0].tolist() == [0, 1, 5, 0]
    surface.scaling_mode = ScalingMode.CROP
    surface.is_mirrored = True
    assert surface.image[0, :, 0].tolist() == [3, 3, 2, 2]
    assert surface.size == (4, 4)


@pytest.mark.parametrize("size", [(0, 4), (4, None), (-1, -1)])
def test_view_without_a_shape_is_refused(size: tuple[int, int | None]) -> None:
    with pytest.raises(InvalidArgumentError):
        FrameSurface(*size)


def test_surface_frame_and_array_are_saved_as_pictures(tmp_path) -> None:
    surface = FrameSurface(8, 4)
    frame = frame_of([[100, 100], [100, 100]])
    surface.show(frame)
    expected = {"surface": (8, 4), "frame": (2, 2), "array": (2, 2)}
    for name, source in [("surface", surface), ("frame", frame), ("array", frame.to_rgb())]:
        save_picture(source, tmp_path / f"{name}.png")
        with av.open(str(tmp_path / f"{name}.png")) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert (picture.shape[1], picture.shape[0]) == expected[name]
        assert (picture == 100).all()


def test_blank_surface_without_a_size_cannot_be_saved(tmp_path) -> None:
    with pytest.raises(InvalidArgumentError):
        save_picture(FrameSurface(), tmp_path / "nothing.png")
