"""Effects on a local audio stream: noise suppression, switched on and off while it is sent.

Source: `AudioEffectsFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

from acs_core.client.effects import (
    BrowserNoiseSuppression,
    DeepNoiseSuppressionEffect,
    EchoCancellationEffect,
    EchoCancellationEffectName,
    NoiseSuppressionEffectName,
)
from acs_core.client.streams import AudioStreamFeature, LocalAudioStream
from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    Stage,
)
from acs_core.events import AudioEffectsEvent
from acs_core.media.effects.chain import AudioEffect, EffectFailure, EffectStats

__all__ = [
    "ActiveAudioEffects",
    "AudioEffectsFeature",
    "AudioEffectsStartConfig",
    "AudioEffectsStopConfig",
]

PREPARE_DEADLINE: Final = 10.0
"""Seconds for a model to be loaded."""

Echo: TypeAlias = (
    Literal["BrowserEchoCancellation"] | EchoCancellationEffectName | EchoCancellationEffect
)
Noise: TypeAlias = (
    Literal["BrowserNoiseSuppression"] | NoiseSuppressionEffectName | DeepNoiseSuppressionEffect
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEffectsStartConfig:
    """What to switch on; None leaves a kind as it is.

    Attributes:
        echo_cancellation: Not supported: see `EchoCancellationEffect`.
        noise_suppression: "BrowserNoiseSuppression"; a `DeepNoiseSuppressionEffect` is refused.
    """

    echo_cancellation: Echo | None = None
    noise_suppression: Noise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEffectsStopConfig:
    """What to switch off."""

    noise_suppression: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAudioEffects:
    """Names of the effects that are on, by kind; each has one or none."""

    echo_cancellation: tuple[EchoCancellationEffectName, ...] = ()
    noise_suppression: tuple[NoiseSuppressionEffectName, ...] = ()


class AudioEffectsFeature(AudioStreamFeature):
    """Reduces the noise of a microphone."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(AudioEffectsEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45002
    NAME: ClassVar[str] = "AudioEffects"

    def __init__(self, stream: LocalAudioStream) -> None:
        super().__init__(stream)
        self._chain = stream.effects
        self._chain.on_failed = self._failed
        self._lock = asyncio.Lock()
        self._is_disposed = False

    @property
    def active_effects(self) -> ActiveAudioEffects:
        """What is on."""
        names = tuple(NoiseSuppressionEffectName(item.name) for item in self._chain.effects)
        return ActiveAudioEffects(noise_suppression=names)

    @property
    def stats(self) -> EffectStats:
        """What the effects have done to the sound so far (ours)."""
        return self._chain.stats

    async def is_supported(self, effect: Noise | Echo) -> bool:
        """Whether an effect can run here: `BrowserNoiseSuppression` alone can.

        Raises:
            InvalidArgumentError: 400/45013: it is no effect.
        """
        unsupported = EchoCancellationEffect | DeepNoiseSuppressionEffect
        if isinstance(effect, unsupported) or effect in set(EchoCancellationEffectName):
            return False
        made = _noise_suppression(effect, 45013)
        return await made.is_supported()

    async def start_effects(self, audio_effects: AudioEffectsStartConfig) -> None:
        """Switch effects on, each in the place of another of its kind.

        Raises:
            InvalidArgumentError: 400/45013: no effects; 400/45014, 400/45015: no such echo
                cancellation or noise suppression; 415/45016: it cannot run here.
            InvalidStateError: 400/45005: the stream is disposed.
            DeadlineError: 408/45021: the effect did not get ready.
            MediaError: 500/45001: it failed.
        """
        chosen = _chosen(audio_effects)
        self._check_usable(45005)
        async with self._lock:
            await self._prepare(chosen)
            self._check_usable(45005)
            self._chain.effects = (chosen,)
            self._emit(AudioEffectsEvent.EFFECTS_STARTED, self.active_effects)

    async def stop_effects(self, audio_effects: AudioEffectsStopConfig) -> None:
        """Switch effects off; those that are not on are left alone.

        Raises:
            InvalidArgumentError: 400/45013: nothing is named.
            InvalidStateError: 400/45008: the stream is disposed.
        """
        if not isinstance(audio_effects, AudioEffectsStopConfig) or not (
            audio_effects.noise_suppression
        ):
            raise InvalidArgumentError("No audio effect is named.", sub_code=45013)
        self._check_usable(45008)
        async with self._lock:
            stopped = self.active_effects
            if stopped.noise_suppression:
                self._chain.effects = ()
                self._emit(AudioEffectsEvent.EFFECTS_STOPPED, stopped)

    def dispose(self) -> None:
        """Take the effects off, for good. Safe to repeat."""
        self._is_disposed = True
        self._chain.effects = ()
        self._chain.on_failed = None

    # ------------------------------------------------------------ inside

    def _check_usable(self, sub_code: int) -> None:
        if self._is_disposed or self._stream.is_disposed:
            raise InvalidStateError(
                "The local audio stream is disposed.", code=400, sub_code=sub_code
            )

    async def _prepare(self, effect: AudioEffect) -> None:
        if not await effect.is_supported():
            raise _unsupported(effect.name)
        try:
            async with asyncio.timeout(PREPARE_DEADLINE):
                await effect.prepare()
        except TimeoutError as error:
            raise DeadlineError(f"{effect.name} did not get ready.", sub_code=45021) from error
        except MediaError as error:
            failure = MediaError(error.message, sub_code=45001, next_step=error.advice)
            self._emit(AudioEffectsEvent.EFFECTS_ERROR, failure)
            raise failure from error

    def _failed(self, failure: EffectFailure) -> None:
        self.tasks.logger.error("The effect %s failed", failure.effect.name, exc_info=failure.error)
        error: CallingError = MediaError(
            f"{failure.effect.name}: {failure.error}", sub_code=45001, stage=Stage.MEDIA
        )
        self._emit(AudioEffectsEvent.EFFECTS_ERROR, error)


def _chosen(config: AudioEffectsStartConfig) -> AudioEffect:
    if not isinstance(config, AudioEffectsStartConfig) or config == AudioEffectsStartConfig():
        raise InvalidArgumentError("No audio effect is named.", sub_code=45013)
    echo = config.echo_cancellation
    if echo is not None:
        if isinstance(echo, EchoCancellationEffect):
            raise _unsupported(echo.name)
        if echo in set(EchoCancellationEffectName):
            raise _unsupported(echo)
        raise InvalidArgumentError(f"No echo cancellation {echo!r}.", sub_code=45014)
    return _noise_suppression(config.noise_suppression, 45015)


def _noise_suppression(effect: object, sub_code: int) -> AudioEffect:
    if isinstance(effect, DeepNoiseSuppressionEffect):
        raise _unsupported(effect.name)
    if effect == NoiseSuppressionEffectName.BROWSER_NOISE_SUPPRESSION:
        return BrowserNoiseSuppression()
    raise InvalidArgumentError(
        f"No noise suppression {effect!r}.",
        sub_code=sub_code,
        next_step="Use 'BrowserNoiseSuppression'.",
    )


def _unsupported(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name} cannot run here.",
        code=415,
        sub_code=45016,
        stage=Stage.MEDIA,
        next_step="Ask is_supported first.",
    )
