"""One call's forwarding graph, as far as it knows about people: who is heard, how well.

Which stream goes to whom is decided by subscriptions and done by transports; the router joins the
plane's events with endpoints: audio levels become dominant speakers.
"""

from __future__ import annotations

from collections.abc import Callable

from acs_core.core.facts import SpeakersChanged
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.speaker import SpeakerDetector

__all__ = ["Router"]


class Router:
    """The producers of one call, and who they belong to."""

    def __init__(self, on_speakers: Callable[[SpeakersChanged], None]) -> None:
        self._on_speakers = on_speakers
        self._owners: dict[str, tuple[str, str]] = {}
        self._detector = SpeakerDetector()

    def add(self, producer: Producer, endpoint: str, publication: str) -> None:
        """Learn whose stream a producer is."""
        producer.router = self
        self._owners[producer.id] = (endpoint, publication)
        if producer.kind == "audio":
            self._detector.add(endpoint)

    def remove(self, producer: Producer) -> None:
        """Forget a producer."""
        self._owners.pop(producer.id, None)

    def forget(self, endpoint: str) -> None:
        """Somebody left."""
        self._owners = {key: owner for key, owner in self._owners.items() if owner[0] != endpoint}
        self._detector.remove(endpoint)
        # Also when nobody else dominates now: whoever left speaks no more.
        self._report()

    def audio_level(self, producer: str, level: int, now: float) -> None:
        """Take the level of one packet, 0 (loudest) to 127 (silence)."""
        owner = self._owners.get(producer)
        if owner is not None:
            self._detector.level(owner[0], level, now)

    def decide(self, now: float) -> None:
        """Judge who speaks; call every 100 to 200 ms."""
        if self._detector.decide(now) is not None:
            self._report()

    def _report(self) -> None:
        endpoints = {owner[0] for owner in self._owners.values()}
        speaking = (name for name in endpoints if self._detector.is_speaking(name))
        self._on_speakers(
            SpeakersChanged(
                ranking=self._detector.ranking,
                dominant=self._detector.dominant,
                speaking=tuple(sorted(speaking)),
            )
        )
