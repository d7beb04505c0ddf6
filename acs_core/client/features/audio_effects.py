"""Effects on a local audio stream: less echo and noise, switched on and off while it is sent.

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
        echo_cancellation: An `EchoCancellationEffect` for this stream only; the names are refused.
        noise_suppression: "BrowserNoiseSuppression"; a `DeepNoiseSuppressionEffect` is refused.
    """

    echo_cancellation: Echo | None = None
    noise_suppression: Noise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEffectsStopConfig:
    """What to switch off.

    Attributes:
        echo_cancellation: ACS cannot switch it off (ours).
    """

    echo_cancellation: bool = False
    noise_suppression: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAudioEffects:
    """Names of the effects that are on, by kind; each has one or none."""

    echo_cancellation: tuple[EchoCancellationEffectName, ...] = ()
    noise_suppression: tuple[NoiseSuppressionEffectName, ...] = ()


class AudioEffectsFeature(AudioStreamFeature):
    """Reduces echo and noise of a microphone, the echo first."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(AudioEffectsEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45002
    NAME: ClassVar[str] = "AudioEffects"

    def __init__(self, stream: LocalAudioStream) -> None:
        super().__init__(stream)
        self._chain = stream.effects
        self._chain.on_failed = self._failed
        self._echo: EchoCancellationEffect | None = None
        self._noise: BrowserNoiseSuppression | None = None
        self._lock = asyncio.Lock()
        self._is_disposed = False

    @property
    def active_effects(self) -> ActiveAudioEffects:
        """What is on."""
        return ActiveAudioEffects(
            echo_cancellation=() if self._echo is None else (self._echo.name,),
            noise_suppression=() if self._noise is None else (self._noise.name,),
        )

    @property
    def stats(self) -> EffectStats:
        """What the effects have done to the sound so far (ours)."""
        return self._chain.stats

    async def is_supported(self, effect: Noise | Echo) -> bool:
        """Whether an effect can run here.

        `BrowserNoiseSuppression` can, and an `EchoCancellationEffect` with the extra `echo`.

        Raises:
            InvalidArgumentError: 400/45013: it is no effect.
        """
        if isinstance(effect, EchoCancellationEffect):
            return await effect.is_supported()
        is_known = isinstance(effect, DeepNoiseSuppressionEffect)
        if is_known or effect in set(EchoCancellationEffectName):
            return False
        return await _noise_suppression(effect, 45013).is_supported()

    async def start_effects(self, audio_effects: AudioEffectsStartConfig) -> None:
        """Switch effects on, each in the place of another of its kind.

        Raises:
            InvalidArgumentError: 400/45013: no effects; 400/45014, 400/45015: no such echo
                cancellation or noise suppression; 415/45016: it cannot run here.
            InvalidStateError: 400/45005: the stream is disposed.
            DeadlineError: 408/45021: the effect did not get ready.
            MediaError: 500/45001: it failed.
        """
        echo, noise = _chosen(audio_effects)
        self._check_usable(45005)
        async with self._lock:
            for effect in (echo, noise):
                if effect is not None:
                    await self._prepare(effect)
            self._check_usable(45005)
            self._set(echo or self._echo, noise or self._noise)
            self._emit(AudioEffectsEvent.EFFECTS_STARTED, self.active_effects)

    async def stop_effects(self, audio_effects: AudioEffectsStopConfig) -> None:
        """Switch effects off; those that are not on are left alone.

        Raises:
            InvalidArgumentError: 400/45013: nothing is named.
            InvalidStateError: 400/45008: the stream is disposed.
        """
        is_config = isinstance(audio_effects, AudioEffectsStopConfig)
        if not is_config or audio_effects == AudioEffectsStopConfig():
            raise InvalidArgumentError("No audio effect is named.", sub_code=45013)
        self._check_usable(45008)
        async with self._lock:
            stopped = ActiveAudioEffects(
                echo_cancellation=self.active_effects.echo_cancellation
                if audio_effects.echo_cancellation
                else (),
                noise_suppression=self.active_effects.noise_suppression
                if audio_effects.noise_suppression
                else (),
            )
            if stopped != ActiveAudioEffects():
                self._set(
                    None if audio_effects.echo_cancellation else self._echo,
                    None if audio_effects.noise_suppression else self._noise,
                )
                self._emit(AudioEffectsEvent.EFFECTS_STOPPED, stopped)

    def dispose(self) -> None:
        """Take the effects off, for good. Safe to repeat."""
        self._is_disposed = True
        self._set(None, None)
        self._chain.on_failed = None

    # ------------------------------------------------------------ inside

    def _set(
        self, echo: EchoCancellationEffect | None, noise: BrowserNoiseSuppression | None
    ) -> None:
        # The canceller needs the sound as the microphone heard it.
        self._echo, self._noise = echo, noise
        self._chain.effects = [item for item in (echo, noise) if item is not None]

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


def _chosen(
    config: AudioEffectsStartConfig,
) -> tuple[EchoCancellationEffect | None, BrowserNoiseSuppression | None]:
    if not isinstance(config, AudioEffectsStartConfig) or config == AudioEffectsStartConfig():
        raise InvalidArgumentError("No audio effect is named.", sub_code=45013)
    echo, noise = config.echo_cancellation, config.noise_suppression
    return (
        None if echo is None else _echo_cancellation(echo),
        None if noise is None else _noise_suppression(noise, 45015),
    )


def _echo_cancellation(effect: object) -> EchoCancellationEffect:
    if isinstance(effect, EchoCancellationEffect):
        return effect
    if effect in set(EchoCancellationEffectName):
        raise _unsupported(str(effect), "Use an EchoCancellationEffect.")
    raise InvalidArgumentError(
        f"No echo cancellation {effect!r}.",
        sub_code=45014,
        next_step="Use an EchoCancellationEffect.",
    )


def _noise_suppression(effect: object, sub_code: int) -> BrowserNoiseSuppression:
    if isinstance(effect, DeepNoiseSuppressionEffect):
        raise _unsupported(effect.name)
    if effect == NoiseSuppressionEffectName.BROWSER_NOISE_SUPPRESSION:
        return BrowserNoiseSuppression()
    raise InvalidArgumentError(
        f"No noise suppression {effect!r}.",
        sub_code=sub_code,
        next_step="Use 'BrowserNoiseSuppression'.",
    )


def _unsupported(name: str, next_step: str = "Ask is_supported first.") -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name} cannot run here.",
        code=415,
        sub_code=45016,
        stage=Stage.MEDIA,
        next_step=next_step,
    )
