"""Simulcast layers of a producer: what is known of each, and which one to send. Pure.

Source: RFC 8853 for simulcast; layers are ordered by size, index 0 is the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from acs_core.core.receiving import Dimensions
from acs_core.rtc.packet import Uri
from acs_core.service.sfu.changes import StreamReceived
from acs_core.service.sfu.plane.messages import StreamDetected

__all__ = [
    "BitrateMeter",
    "LayerState",
    "StreamOwner",
    "layer_to_forward",
    "owner_of",
    "wanted_layer",
]

NOMINAL_TOP: Final = (1280, 720)
"""The size of the largest layer while no layer's size is known."""
SMOOTHING: Final = 1.0
"""Seconds; the time constant of the measured bitrate."""
PAUSE: Final = 2.0
"""Seconds without a byte after which a stream paused; less is one of few pictures."""


@dataclass(frozen=True, slots=True)
class LayerState:
    """One encoding of a stream, as of now.

    Attributes:
        index: 0 is the smallest layer.
        is_active: Packets of it arrived lately; a publisher stops layers that it cannot afford.
        bitrate_bps: Measured, smoothed over about a second; 0 before anything arrived.
        dimensions: Of its newest keyframe; None when unknown (only VP8 tells without decoding).
    """

    index: int
    is_active: bool
    bitrate_bps: int
    dimensions: Dimensions | None


def wanted_layer(layers: Sequence[LayerState], size: Dimensions | None) -> int:
    """The index of the smallest layer that is as large as it is shown, or of the largest.

    A picture is shown whole, so that it is large enough when it fills either side of `size`. Of
    layers of equal size (screens are sent twice in one size, at two bitrates) it is the best.

    Args:
        layers: At least one, smallest first; unknown sizes are taken from a neighbor's.
        size: None for as large as there is.
    """
    top = len(layers) - 1
    if size is None:
        return top
    sizes = _sizes(layers)
    covering = [
        index
        for index, (width, height) in enumerate(sizes)
        if width >= size.width or height >= size.height
    ]
    if not covering:
        return top
    smallest = sizes[covering[0]]
    return max(index for index in covering if sizes[index] == smallest)


def _sizes(layers: Sequence[LayerState]) -> list[tuple[float, float]]:
    """The size of each layer; neighbors differ by a factor of two, as browsers scale them."""
    known = {
        layer.index: (float(layer.dimensions.width), float(layer.dimensions.height))
        for layer in layers
        if layer.dimensions is not None
    }
    if not known:
        known = {len(layers) - 1: (float(NOMINAL_TOP[0]), float(NOMINAL_TOP[1]))}
    sizes = []
    for index in range(len(layers)):
        nearest = min(known, key=lambda other: abs(other - index))
        width, height = known[nearest]
        factor = 2.0 ** (index - nearest)
        sizes.append((width * factor, height * factor))
    return sizes


def layer_to_forward(
    active: Sequence[bool], known: Sequence[bool], *, wanted: int | None, current: int | None
) -> int | None:
    """Choose the layer to send.

    Args:
        active: Of each layer, smallest first, whether packets arrive.
        known: Of each, whether its packets could be told from others.
        wanted: The layer that the receiver should get; None leaves it as it is.
        current: What it gets.

    Returns:
        The wanted layer, or the best active one below it, or the lowest above it; without a wish
        the current one, or the lowest, whose keyframe is there first. None while none is known.
    """
    usable = [index for index, is_active in enumerate(active) if is_active and known[index]]
    if not usable:
        return current if current is not None else next(iter(_indices(known)), None)
    if wanted is None:
        return current if current in usable else usable[0]
    return max((index for index in usable if index <= wanted), default=usable[0])


def _indices(flags: Sequence[bool]) -> list[int]:
    return [index for index, flag in enumerate(flags) if flag]


class BitrateMeter:
    """The smoothed bitrate of a stream while it flows, from a count of its bytes.

    A stream that pauses keeps its last rate: about that much it will need when it comes back.

    Attributes:
        bitrate_bps: As of the last `update`; 0 before the second one.
    """

    __slots__ = ("_counts_alone", "_measured_at", "_octets", "bitrate_bps")

    def __init__(self) -> None:
        self.bitrate_bps = 0
        self._octets = 0
        self._measured_at: float | None = None
        self._counts_alone = True

    def reset(self) -> None:
        """Forget the rate: what comes next has nothing to do with what came before."""
        self.bitrate_bps = 0
        self._measured_at = None

    def update(self, octets: int, now: float) -> None:
        """Take the count of all bytes so far, and the time in seconds; call about twice a second.

        The first measure counts at once, also after a pause; the following are averaged
        exponentially.
        """
        then, came = self._measured_at, octets - self._octets
        if then is not None and (now <= then or came == 0):
            return
        self._measured_at, self._octets = now, octets
        if then is None or came < 0 or now - then > PAUSE:
            self._counts_alone = True
            return
        rate = 8 * came / (now - then)
        if not self._counts_alone:
            rate += (self.bitrate_bps - rate) * math.exp((then - now) / SMOOTHING)
        self._counts_alone = False
        self.bitrate_bps = round(rate)


@dataclass(frozen=True, slots=True)
class StreamOwner:
    """Whose packets those of an unannounced SSRC are.

    Attributes:
        mid: Of the stream.
        rid: Of its layer; None for the stream's only one.
        is_repair: They are retransmissions.
    """

    mid: str
    rid: str | None
    is_repair: bool


def owner_of(streams: Iterable[StreamReceived], detected: StreamDetected) -> StreamOwner | None:
    """Find the stream and layer to which packets of an unannounced SSRC belong.

    The packets tell the section (MID) and the layer (RID, or repaired RID on retransmissions). A
    packet without MID belongs to the only stream that has a layer of that name.

    Source: RFC 8843 section 9.2, RFC 8852 section 3.
    """
    found: list[StreamOwner] = []
    for stream in streams:
        mid = _text(stream, detected, Uri.MID)
        if mid is not None and mid != stream.mid:
            continue
        repaired = _text(stream, detected, Uri.REPAIRED_RID)
        rid = repaired or _text(stream, detected, Uri.RID)
        is_repair = repaired is not None or detected.payload_type in stream.rtx_payload_types
        if not is_repair and detected.payload_type not in stream.codecs:
            continue
        if any(layer.rid == rid and layer.ssrc is None for layer in stream.layers) and (mid or rid):
            found.append(StreamOwner(stream.mid, rid, is_repair))
    return found[0] if len(found) == 1 else None


def _text(stream: StreamReceived, detected: StreamDetected, uri: Uri) -> str | None:
    value = detected.extensions.get(stream.extensions.get(uri, 0))
    return None if value is None else value.decode("ascii", "replace")
