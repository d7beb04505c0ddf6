"""Whether the recording of a call gets media.

A call counts as recorded while its recording rules include a published media track
(`ServerCall.recording_rules`).

Source: Twilio Video, Recording Rules; the `recording-media-lost` warning of twilio-video.js 2.36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from acs_core.service.calls import Calls
from acs_core.service.endpoints import Publication
from acs_core.service.sfu.plane.messages import ConnectionStats
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["MEDIA_LOST", "RecordingWatch"]

MEDIA_LOST: Final = 5.0
"""Seconds without a packet after which media is missing; a silent encoder still sends some."""


@dataclass(slots=True)
class _Watched:
    publication: Publication
    packets: int
    heard_at: float
    is_missing: bool = False


class RecordingWatch:
    """Warns publishers whose recorded media does not arrive; `measure` once a second.

    Args:
        calls: The live calls.
        stats: Gives what the plane counted of a connection.
        lost_after: Seconds without a packet after which media is missing.
    """

    def __init__(
        self,
        calls: Calls,
        stats: Callable[[MediaTransport], ConnectionStats],
        *,
        lost_after: float = MEDIA_LOST,
    ) -> None:
        self._calls = calls
        self._stats = stats
        self._lost_after = lost_after
        self._watched: dict[str, _Watched] = {}

    def measure(self, now: float) -> None:
        """Look at what arrived since the last time, and tell publishers about a change.

        Args:
            now: Seconds of any steady clock.
        """
        recorded = {publication.id: publication for publication in self._recorded()}
        for gone in self._watched.keys() - recorded.keys():
            self._tell(self._watched.pop(gone), is_missing=False)
        for publication in recorded.values():
            packets = self._packets(publication)
            watched = self._watched.setdefault(
                publication.id, _Watched(publication, packets, heard_at=now)
            )
            if packets != watched.packets:
                watched.packets, watched.heard_at = packets, now
            self._tell(watched, is_missing=now - watched.heard_at >= self._lost_after)

    def _recorded(self) -> Iterator[Publication]:
        for call in self._calls.live.values():
            if call.roster.is_recording:
                for publication in call.publications:
                    # Who muted sends nothing on purpose.
                    if publication.info.enabled and call.is_recorded(publication):
                        yield publication

    def _tell(self, watched: _Watched, *, is_missing: bool) -> None:
        owner = watched.publication.owner
        is_there = owner.is_in_call and watched.publication.id in owner.publications
        if is_missing is not watched.is_missing and is_there:
            watched.is_missing = is_missing
            owner.observer.on_media_missing(watched.publication.id, is_missing=is_missing)

    def _packets(self, publication: Publication) -> int:
        """How many have arrived, of all simulcast layers together."""
        source = publication.source
        if not isinstance(source, Producer):
            return 0
        counts = source.summed_stats(self._stats(source.transport).producers)
        return 0 if counts is None else counts.packets
