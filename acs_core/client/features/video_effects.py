"""Effects on a local video stream: switched on and off while it is shown and sent.

Theory of operation. The stream's frames always pass its effect chain, which is empty at first;
this feature fills it once the effects are ready, so a call or preview never notices more than
other pictures. Effects that cannot start change nothing. An effect that fails later stays on
and its pictures are left out (see `acs_core.media.effects.chain`): what others see freezes, and
never shows what the effect was to hide. `stop_effects` ends that.

Source: `VideoEffectsFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from acs_core.client.effects import (
    BackgroundBlurEffect,
    BackgroundReplacementEffect,
    VideoEffectConfig,
    VideoEffectError,
    VideoEffectErrorPayload,
)
from acs_core.client.streams import LocalVideoStream, VideoStreamFeature
from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    Stage,
)
from acs_core.events import VideoEffectsEvent
from acs_core.media.effects.chain import EffectFailure, EffectStats, VideoEffect
from acs_core.media.stats import RateMeter
from acs_core.models import MediaStreamType

__all__ = ["VideoEffectsFeature"]

PREPARE_DEADLINE: Final = 15.0
"""Seconds for effects to get ready: an image has 10, and a model must be loaded."""

RATE_WINDOW: Final = 2.0
"""Seconds over which the frame rate is looked at."""


class VideoEffectsFeature(VideoStreamFeature):
    """Blurs or replaces the background of a camera, or does what the application wants.

    Where ACS takes one of its two effects, we take any `VideoEffect`, and several of them.

    Attributes:
        prepare_deadline: Seconds that effects have to get ready (ours).
        rate_window: Seconds over which the frame rate is looked at (ours).
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset(VideoEffectsEvent)
    EVENT_SUB_CODE: ClassVar[int] = 46160
    NAME: ClassVar[str] = "VideoEffects"

    def __init__(self, stream: LocalVideoStream) -> None:
        super().__init__(stream)
        self.prepare_deadline = PREPARE_DEADLINE
        self.rate_window = RATE_WINDOW
        self._chain = stream.effects
        self._chain.on_failed = self._failed
        self._chain.on_processed = self._processed
        self._lock = asyncio.Lock()
        self._is_disposed = False
        self._meter = RateMeter(self.rate_window)
        self._measured_from: float | None = None

    @property
    def active_effects(self) -> tuple[str, ...]:
        """Names of the effects that are on, in their order; empty when none."""
        return tuple(str(effect.name) for effect in self._chain.effects)

    @property
    def stats(self) -> EffectStats:
        """What the effects have done to the frames so far (ours)."""
        return self._chain.stats

    async def is_supported(self, effect: VideoEffect) -> bool:
        """Whether an effect can run here and on this stream; screens have none.

        Raises:
            InvalidArgumentError: 400/46159: it is no effect.
        """
        checked = _effects(effect)
        return not self._is_screen and await checked[0].is_supported()

    async def start_effects(self, effect: VideoEffect | Sequence[VideoEffect]) -> None:
        """Switch to one effect, or to several in order; those that were on are off then.

        Args:
            effect: Each for this stream only.

        Raises:
            InvalidArgumentError: 400/46159: no effect; 415/46152: the stream is a screen;
                501/46156: the effect cannot run here.
            InvalidStateError: 400/46151: the stream is disposed.
            DeadlineError: 408/46162: the effect did not get ready.
            MediaError: 500/46164: it failed, or its image cannot be fetched.
        """
        chosen = _effects(effect)
        self._check_usable(46151)
        if self._is_screen:
            raise InvalidArgumentError(
                "Effects work on cameras only.", code=415, sub_code=46152, stage=Stage.MEDIA
            )
        async with self._lock:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await self._prepare(chosen)
            self._check_usable(46151)
            self._chain.effects = chosen
            self._meter, self._measured_from = RateMeter(self.rate_window), None
            self._emit(VideoEffectsEvent.EFFECTS_STARTED, self.active_effects)
            self._tell_slow_start(chosen, (loop.time() - began) * 1000)

    async def stop_effects(self) -> None:
        """Show and send what the camera sees again; without effects nothing happens.

        Raises:
            InvalidStateError: 400/46157: the stream is disposed.
        """
        self._check_usable(46157)
        async with self._lock:
            names = self.active_effects
            self._chain.effects = ()
            if names:
                self._emit(VideoEffectsEvent.EFFECTS_STOPPED, names)

    def dispose(self) -> None:
        """Take the effects off, for good. Safe to repeat."""
        self._is_disposed = True
        self._chain.effects = ()
        self._chain.on_failed = self._chain.on_processed = None

    # ------------------------------------------------------------ inside

    @property
    def _is_screen(self) -> bool:
        return self._stream.media_stream_type is MediaStreamType.SCREEN_SHARING

    def _check_usable(self, sub_code: int) -> None:
        if self._is_disposed or self._stream.is_disposed:
            raise InvalidStateError(
                "The local video stream is disposed.", code=400, sub_code=sub_code
            )

    async def _prepare(self, effects: Sequence[VideoEffect]) -> None:
        """Get effects ready; a failure is told as an event too."""
        try:
            async with asyncio.timeout(self.prepare_deadline):
                for effect in effects:
                    await _get_ready(effect)
        except TimeoutError as error:
            failure = DeadlineError("An effect did not get ready.", sub_code=46162)
            self._tell(failure)
            raise failure from error
        except CallingError as error:
            self._tell(error)
            raise

    def _tell_slow_start(self, effects: Sequence[VideoEffect], took_ms: float) -> None:
        limits = (config.effect_init_time_threshold_in_ms for config in _configs(effects))
        if any(limit is not None and took_ms > limit for limit in limits):
            event = VideoEffectsEvent.TIME_FOR_EFFECTS_WARNING_REACHED
            self._emit(event, self.active_effects)

    def _processed(self, now: float) -> None:
        """Count a frame that came out; once per window, look whether there were enough."""
        self._meter.add(1, now)
        if self._measured_from is None:
            self._measured_from = now
        if now - self._measured_from < self.rate_window:
            return
        self._measured_from = now
        rate = self._meter.rate(now)
        limits = (config.fps_warning_threshold for config in _configs(self._chain.effects))
        if any(limit is not None and rate < limit for limit in limits):
            self._emit(VideoEffectsEvent.FPS_WARNING_THRESHOLD_REACHED, self.active_effects)

    def _failed(self, failure: EffectFailure) -> None:
        self.tasks.logger.error("The effect %s failed", failure.effect.name, exc_info=failure.error)
        self._tell(MediaError(f"{failure.effect.name}: {failure.error}", sub_code=46164))

    def _tell(self, error: CallingError) -> None:
        kind = VideoEffectError.FAILED_TO_PROCESS
        message = error.message
        if message.startswith(VideoEffectError.FAILED_TO_FETCH_IMAGE):
            kind = VideoEffectError.FAILED_TO_FETCH_IMAGE
        else:
            message = f"{kind}: {message}"
        payload = VideoEffectErrorPayload(error.code, message, error.sub_code, kind)
        self._emit(VideoEffectsEvent.EFFECTS_ERROR, payload)


def _effects(effect: VideoEffect | Sequence[VideoEffect]) -> tuple[VideoEffect, ...]:
    effects = tuple(effect) if isinstance(effect, Sequence) else (effect,)
    if not effects or not all(isinstance(item, VideoEffect) for item in effects):
        raise InvalidArgumentError(
            "Video effects are VideoEffects.",
            sub_code=46159,
            next_step="Use BackgroundBlurEffect, BackgroundReplacementEffect or one of your own.",
        )
    return effects


def _configs(effects: Sequence[VideoEffect]) -> list[VideoEffectConfig]:
    return [
        effect.config
        for effect in effects
        if isinstance(effect, BackgroundBlurEffect | BackgroundReplacementEffect)
    ]


async def _get_ready(effect: VideoEffect) -> None:
    """Prepare one effect; whatever it raises comes out as an error of ours."""
    try:
        if not await effect.is_supported():
            raise InvalidArgumentError(
                f"{effect.name} cannot run here.",
                code=501,
                sub_code=46156,
                stage=Stage.MEDIA,
                next_step="Ask is_supported first; give it a segmenter that is available.",
            )
        await effect.prepare()
    except (CallingError, TimeoutError):
        raise
    except Exception as error:
        raise MediaError(f"{effect.name} cannot start: {error}", sub_code=46164) from error
