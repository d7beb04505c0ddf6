"""What is posted to make a composition, or a hook that makes some; and how it is answered.

Source: Twilio Video, Composition and Composition Hook resources, "Specifying Video Layouts". What
Twilio's error dictionary has no code for is refused with 20001.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.compositing.layout import Region, Reuse
from acs_core.service.compositions import CompositionOrder
from acs_core.service.openapi import FLAG, TEXT, Schema, nullable, one_of
from twilio_compat.rest.parameters import Form, status_callback, status_callback_method
from twilio_compat.rest.refusals import wrong_parameter
from twilio_compat.rest.schemas import COUNT, JSON_TEXT, URL, exactly

__all__ = ["ORDER_ANSWER", "ORDER_FIELDS", "order_as_json", "read_order"]

USUAL_RESOLUTION: Final = "640x480"
SHORTEST_SIDE: Final = 16
LONGEST_SIDE: Final = 1280
MOST_PIXELS: Final = 921_600
FARTHEST_LAYER: Final = 99
MOST_CELLS: Final = 1000
"""Columns or rows of a region."""
LAST_CELL: Final = 999_999
MOST_SOURCES: Final = 500
"""Sources, and excluded cells, of a region; ours."""
MOST_REGIONS: Final = 100
"""Ours."""
LONGEST_NAME: Final = 256
FORMATS: Final = (FileFormat.MP4, FileFormat.WEBM)

_REGION_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "x_pos": (0, LONGEST_SIDE),
    "y_pos": (0, LONGEST_SIDE),
    "z_pos": (-FARTHEST_LAYER, FARTHEST_LAYER),
    "width": (SHORTEST_SIDE, LONGEST_SIDE),
    "height": (SHORTEST_SIDE, LONGEST_SIDE),
    "max_columns": (1, MOST_CELLS),
    "max_rows": (1, MOST_CELLS),
}
"""The least and the most of each."""
_REGION_FIELDS: Final = frozenset(Region.__struct_fields__)

_TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
ORDER_FIELDS: Final[Mapping[str, Schema]] = {
    "VideoLayout": JSON_TEXT,
    "AudioSources": _TEXTS,
    "AudioSourcesExcluded": _TEXTS,
    "Resolution": {"type": "string", "pattern": r"^[0-9]{2,4}x[0-9]{2,4}$"},
    "Format": one_of(*FORMATS),
    "StatusCallback": {"type": "string", "format": "uri"},
    "StatusCallbackMethod": one_of("GET", "POST"),
    "Trim": FLAG,
}
"""Fields of the form that `read_order` reads."""
_REGION: Final = exactly(
    x_pos=COUNT,
    y_pos=COUNT,
    z_pos={"type": "integer"},
    width=nullable(COUNT),
    height=nullable(COUNT),
    max_columns=nullable(COUNT),
    max_rows=nullable(COUNT),
    cells_excluded={"type": "array", "items": COUNT},
    reuse=one_of(*Reuse),
    video_sources=_TEXTS,
    video_sources_excluded=_TEXTS,
)
ORDER_ANSWER: Final[Mapping[str, Schema]] = {
    "audio_sources": _TEXTS,
    "audio_sources_excluded": _TEXTS,
    "video_layout": {"type": "object", "additionalProperties": _REGION},
    "resolution": TEXT,
    "trim": FLAG,
    "format": one_of(*FORMATS),
    "status_callback": nullable(URL),
    "status_callback_method": one_of("GET", "POST"),
}
"""What `order_as_json` answers."""


def read_order(form: Form) -> CompositionOrder:
    """What is to be composed.

    Raises:
        InvalidArgumentError: A parameter is wrong, or there are neither pictures nor sound.
    """
    width, height = _resolution(form)
    regions = _regions(form, width, height)
    sources = _sources(form, "AudioSources")
    if regions is None and not sources:
        raise wrong_parameter("AudioSources or VideoLayout is needed.")
    excluded = _sources(form, "AudioSourcesExcluded")
    audio = AudioPart(sources=sources, sources_excluded=excluded) if sources else None
    format_ = form.text("Format") or FileFormat.WEBM
    if format_ not in FORMATS:
        raise wrong_parameter(f"Format is mp4 or webm, not {format_[:40]!r}.")
    return CompositionOrder(
        format=FileFormat(format_),
        regions=regions,
        width=width,
        height=height,
        audio=audio,
        is_trimmed=form.text("Trim") is None or form.flag("Trim"),
        status_callback=status_callback(form),
        status_callback_method=status_callback_method(form),
    )


def order_as_json(order: CompositionOrder) -> dict[str, Any]:
    """What was ordered, as Twilio answers it; what was left out of a layout has its default."""
    audio = order.audio
    return {
        "audio_sources": [] if audio is None else list(audio.sources),
        "audio_sources_excluded": [] if audio is None else list(audio.sources_excluded),
        "video_layout": {
            name: {
                field: list(value) if isinstance(value, tuple) else value
                for field in Region.__struct_fields__
                for value in [getattr(region, field)]
            }
            for name, region in (order.regions or {}).items()
        },
        "resolution": f"{order.width}x{order.height}",
        "trim": order.is_trimmed,
        "format": order.format,
        "status_callback": order.status_callback,
        "status_callback_method": order.status_callback_method,
    }


def _resolution(form: Form) -> tuple[int, int]:
    text = form.text("Resolution") or USUAL_RESOLUTION
    found = re.fullmatch(r"([0-9]{2,4})x([0-9]{2,4})", text)
    width, height = (int(side) for side in found.groups()) if found else (0, 0)
    is_within = all(SHORTEST_SIDE <= side <= LONGEST_SIDE for side in (width, height))
    if not is_within or width * height > MOST_PIXELS:
        raise wrong_parameter(
            f"Resolution is {{width}}x{{height}} of {SHORTEST_SIDE} to {LONGEST_SIDE} each, with "
            f"at most {MOST_PIXELS} pixels, not {text[:40]!r}."
        )
    return width, height


def _sources(form: Form, name: str) -> tuple[str, ...]:
    texts = tuple(text for text in form.texts(name) if text)
    if any(len(text) > LONGEST_NAME for text in texts):
        raise wrong_parameter(f"{name} are names of at most {LONGEST_NAME} characters.")
    return texts


def _regions(form: Form, width: int, height: int) -> dict[str, Region] | None:
    layout = form.json("VideoLayout", 20001)
    if layout is None or layout == {}:
        return None
    if not isinstance(layout, dict) or len(layout) > MOST_REGIONS:
        raise wrong_parameter(f"VideoLayout is an object of at most {MOST_REGIONS} regions.")
    return {name: _region(name, value, width, height) for name, value in layout.items()}


def _region(name: str, value: object, width: int, height: int) -> Region:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise wrong_parameter("VideoLayout has a region without a usable name.")
    where = f"VideoLayout, region {name[:40]!r}"
    if not isinstance(value, dict):
        raise wrong_parameter(f"{where}: it is no object.")
    given = {key: item for key, item in value.items() if item is not None}
    unknown = given.keys() - _REGION_FIELDS
    if unknown:
        raise wrong_parameter(f"{where}: {min(unknown)[:40]!r} is unknown.")
    fields: dict[str, Any] = {
        key: _number(where, key, given[key], least, most)
        for key, (least, most) in _REGION_NUMBERS.items()
        if key in given
    }
    for key in ("video_sources", "video_sources_excluded"):
        fields[key] = _texts(where, key, given.get(key, []))
    if not fields["video_sources"]:
        raise wrong_parameter(f"{where}: video_sources is needed.")
    cells = given.get("cells_excluded", [])
    if not isinstance(cells, list) or len(cells) > MOST_SOURCES:
        raise wrong_parameter(f"{where}: cells_excluded is a list of at most {MOST_SOURCES}.")
    fields["cells_excluded"] = tuple(
        _number(where, "cells_excluded", cell, 0, LAST_CELL) for cell in cells
    )
    reuse = given.get("reuse", Reuse.SHOW_OLDEST)
    if reuse not in list(Reuse):
        raise wrong_parameter(f"{where}: reuse is one of {', '.join(Reuse)}.")
    region = Region(**fields, reuse=Reuse(reuse))
    _check_place(where, region, width, height)
    return region


def _check_place(where: str, region: Region, width: int, height: int) -> None:
    """Refuse a region that is not within the picture."""
    right = width if region.width is None else region.x_pos + region.width
    lower = height if region.height is None else region.y_pos + region.height
    if region.x_pos >= width or region.y_pos >= height or right > width or lower > height:
        raise wrong_parameter(f"{where}: it is not within {width}x{height}.")


def _number(where: str, key: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise wrong_parameter(f"{where}: {key} is a whole number from {least} to {most}.")
    return value


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) and len(value) <= MOST_SOURCES else [None]
    if not all(isinstance(text, str) and 0 < len(text) <= LONGEST_NAME for text in texts):
        raise wrong_parameter(f"{where}: {key} is a list of at most {MOST_SOURCES} names.")
    return tuple(texts)
