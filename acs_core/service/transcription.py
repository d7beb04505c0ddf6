"""Live transcriptions: what a transcriber says, and the interface through which one is plugged in.

The service brings no speech recognition. A program that embeds the service hands it a
`Transcriber`; each text that it delivers reaches the endpoints that asked for transcriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Transcription"]


@dataclass(frozen=True, slots=True)
class Transcription:
    """One piece of text that somebody said.

    Attributes:
        endpoint: Who said it.
        publication: In which audio publication.
        text: What was said.
        is_partial: A later transcription with the same sequence number replaces it.
        language_code: BCP 47, for instance ``en-US``.
        timestamp: When it was said; aware.
        sequence_number: Counts up per publication.
        stability: 0..1, how likely a partial result stays; None when not known.

    Source: Twilio Video's real-time transcription events.
    """

    endpoint: str
    publication: str
    text: str
    is_partial: bool
    language_code: str
    timestamp: datetime
    sequence_number: int
    stability: float | None = None
