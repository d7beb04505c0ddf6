"""The file of a recording of a whole call, as ACS makes it: mixed pictures and sound, or sound.

Source: ACS, "Call Recording overview": mp4 with everybody's picture, mp3 and wav with everybody's
voice mixed, wav with a channel per participant; sound at 16 kHz. Pictures are 1280x720 here, where
ACS has 1920x1080.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.compositing.layout import Region
from acs_core.service.compositions.compositions import Compositions
from acs_core.service.compositions.model import Composition, CompositionOrder, Purpose

if TYPE_CHECKING:
    from acs_core.service.automation.recordings import CallRecording, RecordingObserver

__all__ = ["call_recording_observer", "kept_periods", "render_call_recording"]

SIZE: Final = (1280, 720)
RATE: Final = 16_000
"""Samples per second."""


async def render_call_recording(
    compositions: Compositions,
    recording_id: str,
    call: str,
    *,
    format: FileFormat,
    periods: Sequence[tuple[float, float]],
    is_unmixed: bool = False,
    channels: Sequence[str] = (),
) -> Composition:
    """Make the file of a recording that has stopped.

    Calling it again with the same id does nothing more. `Compositions.observe` tells when the file
    is there (`AVAILABLE`, of `Purpose.CALL_RECORDING`), `Compositions.path_of` where.

    Args:
        compositions: Of the service.
        recording_id: 32 hex digits; also the id of the composition.
        call: Id of the call.
        format: mp4 with pictures, wav or mp3 without.
        periods: When it was not paused, in Unix seconds; see `kept_periods`.
        is_unmixed: One channel per participant; with wav only.
        channels: Raw ids of participants in the order of their channels; others follow.

    Raises:
        ServiceError: 503, it cannot be stored.
    """
    audio = AudioPart(channels=1, rate=RATE, unmixed=tuple(channels) if is_unmixed else None)
    has_pictures = format is FileFormat.MP4
    order = CompositionOrder(
        format=format,
        regions={"grid": Region(video_sources=("*",))} if has_pictures else None,
        width=SIZE[0],
        height=SIZE[1],
        audio=audio,
        is_trimmed=False,
        periods=tuple(periods),
    )
    return await compositions.create(
        call, order, purpose=Purpose.CALL_RECORDING, composition_id=recording_id
    )


def call_recording_observer(compositions: Compositions) -> RecordingObserver:
    """What hears of recordings of calls and makes the files of those that stopped.

    Args:
        compositions: Of the service.
    """

    def observe(recording: CallRecording) -> None:
        if recording.stopped_at is None:
            return
        work = render_call_recording(
            compositions,
            recording.id,
            recording.call_id,
            format=FileFormat(recording.format.value),
            periods=kept_periods(recording.started_at, recording.stopped_at, recording.pauses),
            is_unmixed=recording.channels.value == "unmixed",
            channels=recording.participants,
        )
        compositions.soon(work, name=f"file of call recording {recording.id}")

    return observe


def kept_periods(
    started_at: float, stopped_at: float, pauses: Sequence[tuple[float, float | None]]
) -> tuple[tuple[float, float], ...]:
    """When a recording was active, in Unix seconds.

    Args:
        started_at: Unix seconds.
        stopped_at: Unix seconds.
        pauses: In order, from and to; to None: until it stopped.
    """
    periods: list[tuple[float, float]] = []
    at = started_at
    for begin, end in pauses:
        periods.append((at, begin))
        at = stopped_at if end is None else end
    periods.append((at, stopped_at))
    return tuple((begin, end) for begin, end in periods if begin < end)
