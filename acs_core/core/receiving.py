"""What an endpoint wants to receive, and what it then gets: the values both ends share.

`ReceivePolicy` is what a client asks for; `Forwarding` is what the service made of it. How the one
follows from the other is decided by the service's bandwidth engine.

Source: Twilio's bandwidth profile API names the modes, the priorities and the switch-off modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from acs_core.core.facts import Priority
from acs_core.errors import InvalidArgumentError, Stage

__all__ = [
    "LARGEST_SIDE",
    "BandwidthMode",
    "BandwidthProfile",
    "Dimensions",
    "Forwarding",
    "PauseReason",
    "ReceiveHint",
    "ReceivePolicy",
    "ReceivePriority",
    "SwitchOffMode",
]

LARGEST_SIDE: Final = 16384
"""Pixels; no codec in use has larger pictures (VP8: 14 bits, RFC 6386 section 9.1)."""


class BandwidthMode(StrEnum):
    """How the downlink is divided among videos.

    GRID gives all the same, PRESENTATION serves the most important first, COLLABORATION lies
    between: everybody gets something, the important ones get more.
    """

    GRID = "grid"
    COLLABORATION = "collaboration"
    PRESENTATION = "presentation"


class SwitchOffMode(StrEnum):
    """When a video is switched off for lack of bandwidth.

    PREDICTED as soon as it does not fit the estimate, DETECTED when packets are really lost,
    DISABLED never.
    """

    PREDICTED = "predicted"
    DETECTED = "detected"
    DISABLED = "disabled"


class PauseReason(StrEnum):
    """Why a publication that an endpoint subscribed to is not forwarded to it."""

    BUDGET = "budget"
    MAX_TRACKS = "maxTracks"
    HIDDEN = "hidden"


class Dimensions(Struct, frozen=True, kw_only=True):
    """Width and height in pixels."""

    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse what is no picture."""
        if not (0 < self.width <= LARGEST_SIDE and 0 < self.height <= LARGEST_SIDE):
            raise InvalidArgumentError(
                f"A picture of {self.width} x {self.height} pixels is impossible.",
                stage=Stage.ARGUMENT,
            )

    @property
    def pixels(self) -> int:
        """How many."""
        return self.width * self.height


class BandwidthProfile(Struct, frozen=True, kw_only=True):
    """How the videos that an endpoint receives share its downlink.

    Attributes:
        max_bitrate_bps: For all videos together; None for what the network carries.
        max_tracks: At most so many videos at a time; None for all.
        speaker_priority: The least priority of the dominant speaker's videos; None changes nothing.
        sizes: The render size to assume where no hint gives one, by effective priority.
    """

    mode: BandwidthMode = BandwidthMode.GRID
    max_bitrate_bps: int | None = None
    max_tracks: int | None = None
    speaker_priority: Priority | None = None
    switch_off: SwitchOffMode = SwitchOffMode.PREDICTED
    sizes: Mapping[Priority, Dimensions] = field(default_factory=dict)


class ReceiveHint(Struct, frozen=True, kw_only=True):
    """What an application does with a video: nothing (`enabled` False), or shows it at `size`.

    Attributes:
        enabled: None when the application did not say.
        size: None when the application did not say.
    """

    publication: str
    enabled: bool | None = None
    size: Dimensions | None = None


class ReceivePriority(Struct, frozen=True, kw_only=True):
    """The receiver's own priority of a publication, in place of the publisher's."""

    publication: str
    priority: Priority


class ReceivePolicy(Struct, frozen=True, kw_only=True):
    """What an endpoint wants to receive.

    Attributes:
        automatic: Everything that is published, except `without`.
        only: When not automatic: these publications.
        without: When automatic: all but these publications.
        quality: Also report network quality levels.
        profile: How videos share the downlink; without it none is switched off for bandwidth.
        hints: What is shown, at most one per publication.
        priorities: The receiver's own priorities, at most one per publication.
    """

    automatic: bool = True
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    quality: bool = False
    profile: BandwidthProfile | None = None
    hints: tuple[ReceiveHint, ...] = ()
    priorities: tuple[ReceivePriority, ...] = ()


class Forwarding(Struct, frozen=True, kw_only=True):
    """What the service does with a video publication for one endpoint.

    Attributes:
        reason: Why it is not forwarded; None while it is.
        layer: Which simulcast layer is forwarded, 0 the smallest; None without simulcast or while
            nothing is forwarded.
    """

    publication: str
    reason: PauseReason | None = None
    layer: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether its packets are sent."""
        return self.reason is None
