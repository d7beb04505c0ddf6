"""A transcriber that says what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable

from acs_core.service.transcription import Transcript

__all__ = ["ScriptedTranscriber"]


class ScriptedTranscriber:
    """A `Transcriber` without ears.

    Attributes:
        publications: What can be heard now, and how to say something about it.
        ended: Calls that are over.
    """

    def __init__(self) -> None:
        self.publications: dict[str, Callable[[Transcript], None]] = {}
        self.ended: list[str] = []

    def publication_added(
        self, call: str, publication: str, say: Callable[[Transcript], None]
    ) -> None:
        self.publications[publication] = say

    def publication_removed(self, call: str, publication: str) -> None:
        del self.publications[publication]

    def call_ended(self, call: str) -> None:
        self.ended.append(call)
