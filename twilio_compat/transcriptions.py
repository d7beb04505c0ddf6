"""What is said in a room as text: the event "transcription".

It stands on the captions of the call: whoever connects with `receiveTranscriptions` reads them. A
service without a transcriber has none, which is logged, and the room goes on without.

Source: twilio-video 2.36, `TranscriptionEvent`; its names are in snake_case, in JavaScript too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

from acs_core.client.features.captions import CaptionsInfo, CaptionsResultType
from acs_core.errors import CallingError
from acs_core.events import CaptionsEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from acs_core.client.features.captions import CaptionsCommon

__all__ = ["TranscriptionEvent", "Transcriptions"]

_log = logging.getLogger(__name__)

_TYPE: Final = "extension_transcriptions"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionEvent:
    """Something that was said.

    Attributes:
        language_code: BCP 47 tag of what was spoken.
        partial_results: The text may change; the next event with this sequence number replaces it.
        participant: SID of who said it.
        sequence_number: Counts up per track.
        timestamp: ISO 8601, in UTC.
        track: SID of the audio track in which it was said.
        transcription: The text.
        stability: 0..1, how likely a partial result stays; None when not known.
    """

    language_code: str
    partial_results: bool
    participant: str
    sequence_number: int
    timestamp: str
    track: str
    transcription: str
    stability: float | None = None
    type: str = _TYPE


class Transcriptions:
    """Reads the captions of a call for a room.

    Args:
        captions: Of the call.
        tell: Takes each text.
    """

    def __init__(
        self, captions: CaptionsCommon, tell: Callable[[TranscriptionEvent], object]
    ) -> None:
        self._captions = captions
        self._tell = tell
        self._is_over = False
        captions.on(CaptionsEvent.CAPTIONS_RECEIVED, self._received)

    async def start(self) -> None:
        """Ask for texts; that there are none is logged."""
        try:
            await self._captions.start_captions()
        except CallingError as error:
            if self._is_over:
                return  # That the room was left is no fault of the service.
            _log.warning("There are no transcriptions: %s %s", error.message, error.next_step)

    def stop(self) -> None:
        """Tell nothing any more; the room is over."""
        self._is_over = True
        self._captions.off(CaptionsEvent.CAPTIONS_RECEIVED, self._received)

    def _received(self, info: object) -> None:
        if not isinstance(info, CaptionsInfo):
            return  # Those of a meeting, which is no room.
        endpoints = info.speaker.endpoint_details
        at = info.timestamp.astimezone(UTC).isoformat(timespec="milliseconds")
        self._tell(
            TranscriptionEvent(
                language_code=info.spoken_language,
                partial_results=info.result_type is CaptionsResultType.PARTIAL,
                participant=f"PA{endpoints[0].participant_id}" if endpoints else "",
                sequence_number=info.sequence_number,
                timestamp=at.replace("+00:00", "Z"),
                track=f"MT{info.publication}",
                transcription=info.spoken_text,
                stability=info.stability,
            )
        )
