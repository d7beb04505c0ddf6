"""Noise cancellation of local audio tracks: who does it is a vendor, which a program may add.

`create_local_audio_track({"noiseCancellationOptions": {"vendor": "spectral"}})` uses the one that
comes with this package: it takes steady noise (fans, hiss) away, by a filter of FFmpeg. Twilio's
vendors are products of their own that run in browsers; whoever has one for Python registers it::

    register_noise_cancellation("krisp", lambda options: MyKrispEffect(options.sdk_assets_path))

As in twilio-video.js, a vendor that is not there, or fails, gives a track without noise
cancellation, and a warning in the log.

Source: twilio-video.js 2.36, `NoiseCancellation` and `NoiseCancellationOptions`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, final

from acs_core.errors import InvalidStateError
from acs_core.media.effects.chain import AudioEffect, EffectChain, EffectFailure, EffectSource
from acs_core.media.effects.sound import NoiseSuppression
from acs_core.media.sources import MediaSource
from twilio_compat.option_bags import NO_NAMES, merge, optional
from twilio_compat.spelling import Spelling

__all__ = [
    "NoiseCancellation",
    "NoiseCancellationFactory",
    "NoiseCancellationOptions",
    "NoiseCancellationVendor",
    "open_noise_cancellation",
    "read_noise_cancellation",
    "register_noise_cancellation",
]

_log = logging.getLogger(__name__)


class NoiseCancellationVendor(StrEnum):
    """Vendors that are known by name; more can be registered."""

    KRISP = "krisp"
    RNNOISE = "rnnoise"
    SPECTRAL = "spectral"
    """Ours, and free; the others need a plugin of the application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCancellationOptions:
    """Whose noise cancellation to use.

    Attributes:
        vendor: "spectral", or a name that was registered.
        sdk_assets_path: Where the vendor's files are; None if it needs none.
    """

    vendor: str
    sdk_assets_path: str | None = None

    sdkAssetsPath = Spelling[str | None]("sdk_assets_path")


NoiseCancellationFactory: TypeAlias = Callable[[NoiseCancellationOptions], AudioEffect]
"""Makes the effect of one track; what it raises is logged, and the track goes without."""

_vendors: Final[dict[str, NoiseCancellationFactory]] = {"spectral": lambda _: NoiseSuppression()}


def register_noise_cancellation(vendor: str, factory: NoiseCancellationFactory) -> None:
    """Offer a vendor's noise cancellation to the tracks that are made from now on.

    Args:
        vendor: Its name in `noiseCancellationOptions`; one that is there already is replaced.
        factory: Makes an `AudioEffect`, which takes and gives 48 kHz s16 frames of 20 ms.

    Raises:
        TypeError: The name is no text, or the factory cannot be called.
    """
    if not isinstance(vendor, str) or not vendor:
        raise TypeError("vendor must be a string")
    if not callable(factory):
        raise TypeError("factory must be a function")
    _vendors[vendor] = factory


@final
class NoiseCancellation:
    """Switches the noise cancellation of one audio track; it is on at first.

    Args:
        vendor: Who does it.
        effect: What does it; `enable` prepares it.
    """

    def __init__(self, vendor: str, effect: AudioEffect) -> None:
        self._vendor = vendor
        self._effect = effect
        self._chain: EffectChain[AudioEffect] = EffectChain("audio")
        self._chain.on_failed = self._failed
        self._source: MediaSource | None = None

    @property
    def vendor(self) -> str:
        """Who does it."""
        return self._vendor

    @property
    def source_track(self) -> MediaSource:
        """The source with its noise.

        Raises:
            InvalidStateError: No track uses it.
        """
        if self._source is None:
            raise InvalidStateError("No track uses this noise cancellation.")
        return self._source

    @property
    def is_enabled(self) -> bool:
        """Whether noise is taken away."""
        return bool(self._chain.effects)

    async def enable(self) -> None:
        """Take noise away from the next frame on.

        Raises:
            CallingError: It cannot run.
        """
        if not self.is_enabled:
            await self._effect.prepare()
            self._chain.effects = (self._effect,)

    async def disable(self) -> None:
        """Leave the sound as it is from the next frame on."""
        self._chain.effects = ()

    def clean(self, source: MediaSource) -> MediaSource:
        """The sound of a source without noise; for `LocalAudioTrack`."""
        self._source = source
        return EffectSource(source, self._chain)

    def _failed(self, failure: EffectFailure) -> None:
        # The sound goes on with its noise: that is better than none.
        _log.warning("The noise cancellation of %s failed: %s", self._vendor, failure.error)

    # Twilio's spellings; tests/twilio_compat/test_noise_cancellation.py checks them.
    sourceTrack = source_track
    isEnabled = is_enabled


async def open_noise_cancellation(options: NoiseCancellationOptions) -> NoiseCancellation | None:
    """Make the noise cancellation of one track, switched on; None when that is not possible."""
    factory = _vendors.get(options.vendor)
    if factory is None:
        _log.warning(
            "There is no noise cancellation by %r: the track goes without. Known: %s; others are "
            "added by register_noise_cancellation().",
            options.vendor,
            ", ".join(_vendors),
        )
        return None
    try:
        noise = NoiseCancellation(options.vendor, factory(options))
        await noise.enable()
    except Exception as error:
        # Whatever a vendor's code raises: who speaks must be heard.
        _log.warning("The noise cancellation by %r cannot be used: %s", options.vendor, error)
        return None
    return noise


def read_noise_cancellation(bag: object) -> NoiseCancellationOptions | None:
    """Read `noiseCancellationOptions`; None for none.

    Raises:
        TypeError: No object, an unknown key, no vendor, or a value that is no text.
    """
    if bag is None or isinstance(bag, NoiseCancellationOptions):
        return bag
    known = frozenset(NoiseCancellationOptions.__dataclass_fields__)
    values = merge("noiseCancellationOptions", bag, {}, known, NO_NAMES, NO_NAMES)
    vendor = optional(values, "vendor", str)
    if vendor is None:
        raise TypeError("noiseCancellationOptions.vendor must be specified")
    path = optional(values, "sdk_assets_path", str)
    return NoiseCancellationOptions(vendor=vendor, sdk_assets_path=path)
