"""A transcriber that says what the test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from acs_core.service.transcription import Transcript

__all__ = ["ScriptedTranscriber"]


class ScriptedTranscriber:
    """A `Transcriber` without ears.

    Attributes:
        publications: What can be heard now, and how to say something about it.
        ended: Calls that are over.
        languages: What was last said to be spoken and wanted, by call.
        configurations: How calls are to be transcribed, by call.
    """

    spoken_languages = ("en-US", "de-DE")
    caption_languages = ("en", "fr")

    def __init__(self) -> None:
        self.languages: dict[str, tuple[str, frozenset[str]]] = {}
        self.configurations: dict[str, Mapping[str, str]] = {}
        self.publications: dict[str, Callable[[Transcript], None]] = {}
        self.ended: list[str] = []

    def languages_changed(self, call: str, spoken: str, captions: frozenset[str]) -> None:
        self.languages[call] = (spoken, captions)

    def configured(self, call: str, configuration: Mapping[str, str]) -> None:
        self.configurations[call] = configuration

    def publication_added(
        self, call: str, publication: str, say: Callable[[Transcript], None]
    ) -> None:
        self.publications[publication] = say

    def publication_removed(self, call: str, publication: str) -> None:
        del self.publications[publication]

    def call_ended(self, call: str) -> None:
        self.ended.append(call)
