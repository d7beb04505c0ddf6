from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.compositing.layout import Region, Reuse
from acs_core.errors import InvalidArgumentError
from acs_core.service.compositions import CompositionOrder
from twilio_compat.rest.composition_orders import order_as_json, read_order
from twilio_compat.rest.parameters import Form

GRID = {"grid": {"video_sources": ["*"]}}


def order(layout: object = None, **fields: object) -> CompositionOrder:
    pairs = {} if layout is None else {"VideoLayout": json.dumps(layout)}
    return read_order(Form(urlencode({**pairs, **fields}, doseq=True).encode()))


def test_what_is_left_out_has_twilios_defaults() -> None:
    made = order(GRID)
    assert made == CompositionOrder(
        format=FileFormat.WEBM, regions={"grid": Region(video_sources=("*",))}
    )
    assert order_as_json(made) == {
        "audio_sources": [],
        "audio_sources_excluded": [],
        "video_layout": {
            "grid": {
                "video_sources": ["*"],
                "video_sources_excluded": [],
                "x_pos": 0,
                "y_pos": 0,
                "z_pos": 0,
                "width": None,
                "height": None,
                "max_columns": None,
                "max_rows": None,
                "cells_excluded": [],
                "reuse": "show_oldest",
            }
        },
        "resolution": "640x480",
        "trim": True,
        "format": "webm",
        "status_callback": None,
        "status_callback_method": "POST",
    }


def test_everything_that_can_be_said_is_read() -> None:
    region = {
        "video_sources": ["teacher*", "PA1"],
        "video_sources_excluded": ["MT2"],
        "x_pos": 10,
        "y_pos": 20,
        "z_pos": -99,
        "width": 100,
        "height": 50,
        "max_columns": 3,
        "max_rows": 1000,
        "cells_excluded": [0, 4],
        "reuse": "show_newest",
    }
    made = order(
        {"main": region, "row": {"video_sources": ["*"], "width": None}},
        AudioSources=["a*", "b"],
        AudioSourcesExcluded="a1",
        Resolution="1280x720",
        Format="mp4",
        Trim="false",
        StatusCallback="https://example.com/",
        StatusCallbackMethod="GET",
    )
    assert made.regions is not None
    assert made.regions["main"] == Region(
        video_sources=("teacher*", "PA1"),
        video_sources_excluded=("MT2",),
        x_pos=10,
        y_pos=20,
        z_pos=-99,
        width=100,
        height=50,
        max_columns=3,
        max_rows=1000,
        cells_excluded=(0, 4),
        reuse=Reuse.SHOW_NEWEST,
    )
    assert made.audio == AudioPart(sources=("a*", "b"), sources_excluded=("a1",))
    assert (made.width, made.height, made.format) == (1280, 720, FileFormat.MP4)
    assert not made.is_trimmed
    assert order_as_json(made)["video_layout"]["main"] == region


@pytest.mark.parametrize(
    "layout",
    [
        [],
        "grid",
        {"grid": []},
        {"grid": {}},
        {"grid": {"video_sources": []}},
        {"grid": {"video_sources": "*"}},
        {"grid": {"video_sources": [1]}},
        {"grid": {"video_sources": [""]}},
        {"grid": {"video_sources": ["*"] * 501}},
        {"": {"video_sources": ["*"]}},
        {"grid": {"video_sources": ["*"], "what": 1}},
        {"grid": {"video_sources": ["*"], "x_pos": -1}},
        {"grid": {"video_sources": ["*"], "x_pos": 1.5}},
        {"grid": {"video_sources": ["*"], "x_pos": True}},
        {"grid": {"video_sources": ["*"], "x_pos": 640}},
        {"grid": {"video_sources": ["*"], "z_pos": 100}},
        {"grid": {"video_sources": ["*"], "width": 15}},
        {"grid": {"video_sources": ["*"], "x_pos": 600, "width": 41}},
        {"grid": {"video_sources": ["*"], "y_pos": 400, "height": 81}},
        {"grid": {"video_sources": ["*"], "max_rows": 0}},
        {"grid": {"video_sources": ["*"], "max_columns": 1001}},
        {"grid": {"video_sources": ["*"], "cells_excluded": [-1]}},
        {"grid": {"video_sources": ["*"], "cells_excluded": 3}},
        {"grid": {"video_sources": ["*"], "reuse": "sometimes"}},
        {"grid": {"video_sources": ["*"], "reuse": ["none"]}},
        {str(number): {"video_sources": ["*"]} for number in range(101)},
    ],
)
def test_layouts_that_cannot_be_shown_are_refused(layout: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        order(layout)
    assert caught.value.sub_code == 20001
    assert "VideoLayout" in caught.value.message


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 20001),
        ({"AudioSources": ""}, 20001),
        ({"AudioSources": "*", "Format": "avi"}, 20001),
        ({"AudioSources": "*", "Trim": "perhaps"}, 20001),
        ({"AudioSources": "x" * 257}, 20001),
        ({"AudioSources": "*", "Resolution": "640"}, 20001),
        ({"AudioSources": "*", "Resolution": "15x100"}, 20001),
        ({"AudioSources": "*", "Resolution": "1281x100"}, 20001),
        ({"AudioSources": "*", "Resolution": "1280x721"}, 20001),
        ({"AudioSources": "*", "StatusCallback": "ftp://example.com"}, 53111),
        ({"AudioSources": "*", "StatusCallbackMethod": "PUT"}, 53110),
        ({"VideoLayout": "{"}, 20001),
    ],
)
def test_other_wrong_parameters_are_refused(fields: dict[str, str], code: int) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        order(**fields)
    assert caught.value.sub_code == code


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
names = st.sampled_from(list(Region.__struct_fields__))


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=5), st.dictionaries(names, anything), max_size=3))
def test_any_json_is_a_layout_or_refused(layout: object) -> None:
    try:
        made = order(layout, AudioSources="*")
    except InvalidArgumentError:
        return
    assert set(made.regions or {}) == set(layout)  # type: ignore[call-overload]
