"""Demands for videos, and what a bandwidth engine makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from acs_core.core.receiving import (
    BandwidthMode,
    BandwidthProfile,
    Dimensions,
)
from acs_core.service.sfu.bandwidth import (
    Allotment,
    BandwidthAllocator,
    DownlinkBudget,
    VideoDemand,
)
from acs_core.service.sfu.layers import LayerState

__all__ = [
    "COLLABORATION",
    "GRID",
    "NO_LIMIT",
    "PRESENTATION",
    "RATES",
    "camera",
    "known_layers",
    "layers",
    "once",
    "outcome",
    "single",
    "size",
]

RATES = (150_000, 500_000, 1_500_000)
SIZES = ((320, 180), (640, 360), (1280, 720))
GRID = BandwidthProfile()
PRESENTATION = BandwidthProfile(mode=BandwidthMode.PRESENTATION)
COLLABORATION = BandwidthProfile(mode=BandwidthMode.COLLABORATION)
NO_LIMIT = DownlinkBudget()


def layers(*rates: int, active: int | None = None) -> tuple[LayerState, ...]:
    count = len(rates) if active is None else active
    return tuple(LayerState(index, index < count, rate, None) for index, rate in enumerate(rates))


def known_layers() -> tuple[LayerState, ...]:
    return tuple(
        replace(layer, dimensions=size(*dimensions))
        for layer, dimensions in zip(layers(*RATES), SIZES, strict=True)
    )


def camera(name: str, **options: Any) -> VideoDemand:
    return VideoDemand(name, layers(*RATES), **options)


def single(name: str, rate: int = 300_000, **options: Any) -> VideoDemand:
    return VideoDemand(name, layers(rate), **options)


def size(width: int, height: int) -> Dimensions:
    return Dimensions(width=width, height=height)


def outcome(allotments: dict[str, Allotment]) -> dict[str, int | str | None]:
    """The layer, or why it is off."""
    return {
        key: item.forwarding.layer if item.forwarding.is_on else str(item.forwarding.reason)
        for key, item in allotments.items()
    }


def once(
    demands: list[VideoDemand],
    profile: BandwidthProfile | None = None,
    budget: int | None = None,
    *,
    has_loss: bool = False,
) -> dict[str, int | str | None]:
    allocator = BandwidthAllocator()
    return outcome(allocator.allocate(demands, profile, DownlinkBudget(budget, has_loss), 0.0))
