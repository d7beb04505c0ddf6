"""What somebody in a room said, as text: the argument of "transcription".

Source: twilio-video.js 2.36, `tsdef/types.d.ts`; keys are snake_case there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from acs_core.wire import Transcribed

__all__ = ["TranscriptionEvent", "transcription_event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionEvent:
    """A piece of text.

    Attributes:
        type: Always the same.
        participant: SID of who said it; may be the local participant.
        track: SID of the audio track.
        transcription: What was said.
        partial_results: A later event with the same `sequence_number` replaces it.
        language_code: BCP 47, for instance ``en-US``.
        timestamp: When it was said; ISO 8601 in UTC.
        sequence_number: Counts up per track, from 1.
        stability: 0..1, how likely a partial result stays; None when not known.
    """

    participant: str
    track: str
    transcription: str
    partial_results: bool
    language_code: str
    timestamp: str
    sequence_number: int
    stability: float | None = None
    type: Literal["extension_transcriptions"] = "extension_transcriptions"


def transcription_event(said: Transcribed) -> TranscriptionEvent:
    """Say it in Twilio's words."""
    moment = datetime.fromtimestamp(said.timestamp, UTC)
    return TranscriptionEvent(
        participant=f"PA{said.speaker}",
        track=f"MT{said.publication}",
        transcription=said.text,
        partial_results=not said.is_final,
        language_code=said.language,
        timestamp=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        sequence_number=said.sequence_number,
        stability=said.stability,
    )
