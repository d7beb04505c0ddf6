"""Live transcriptions: what a transcriber says, and the interface through which one is plugged in.

The service forwards media and never decodes it, so it has no speech recognition and hands nobody
sound. A `Transcriber` hears of the audio publications of a call, and gives back texts. Where it
gets the sound from is its own business; the way that is always open is to take part: join the call
with `acs_core`'s client as one more participant, read the decoded frames of each remote audio
stream, and feed them to the recognizer. Ids of publications are the same on both sides.

Theory of operation. `Transcripts.refresh` is called with the live calls about once a second: it
tells the transcriber of audio publications that came and went. What the transcriber says gets its
running number and is handed to everybody in the call at once. A transcriber that fails is logged
and costs nobody the call.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from acs_core.core.facts import PublicationKind

if TYPE_CHECKING:
    from acs_core.service.calls import ServerCall

__all__ = ["Transcriber", "Transcript", "Transcription", "Transcripts"]

_log = logging.getLogger(__name__)


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
        translations: The text in other languages, by BCP 47 tag.

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
    translations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcriber says; the rest of a `Transcription` is known to the service.

    Attributes:
        text: What was said.
        timestamp: When; aware.
        is_partial: The next transcript of the publication replaces it.
        language_code: BCP 47.
        stability: 0..1, how likely a partial result stays; None when not known.
        translations: The text in the caption languages that are wanted, by BCP 47 tag.
    """

    text: str
    timestamp: datetime
    is_partial: bool = False
    language_code: str = "en-US"
    stability: float | None = None
    translations: Mapping[str, str] = field(default_factory=dict)


class Transcriber(Protocol):
    """Turns the speech of calls into text; called on the event loop, must not block.

    What it starts for a publication it ends in `publication_removed`, and everything of a call in
    `call_ended`; a publication whose call ended is not removed first.
    """

    @property
    def spoken_languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what it recognizes, the usual one first; at least one."""

    @property
    def caption_languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what it translates into; empty when it does not."""

    def languages_changed(self, call: str, spoken: str, captions: frozenset[str]) -> None:
        """Readers of captions say what is spoken in a call, and what they want to read.

        Args:
            call: The call's id; it may not have been heard of yet.
            spoken: One of `spoken_languages`; empty when nobody said so yet.
            captions: Of `caption_languages`; what to put into `Transcript.translations`.
        """

    def configured(self, call: str, configuration: Mapping[str, str]) -> None:
        """Somebody says how a room is to be transcribed; it may not have been heard of yet.

        Args:
            call: The call's id.
            configuration: In Twilio's names, such as `speechModel`, `hints` and `profanityFilter`;
                what the transcriber does not know it passes over. Languages and partial results
                are seen to by the service.
        """

    def publication_added(
        self, call: str, publication: str, say: Callable[[Transcript], None]
    ) -> None:
        """Somebody can be heard.

        Args:
            call: The call's id.
            publication: Of audio.
            say: Takes a text at any time, on the event loop; what comes too late is dropped.
        """

    def publication_removed(self, call: str, publication: str) -> None:
        """The publication was withdrawn, or its owner left."""

    def call_ended(self, call: str) -> None:
        """Nobody is in the call any more; the last thing about it."""


@dataclass(slots=True)
class _Heard:
    """One publication that is transcribed, and how far it is."""

    owner: str
    number: int = 1


@dataclass(slots=True)
class _Followed:
    call: ServerCall
    heard: dict[str, _Heard] = field(default_factory=dict)


class Transcripts:
    """Joins calls with a transcriber.

    Args:
        transcriber: Whose texts are handed out.
        is_wanted: Whether a call is to be transcribed; every one unless given.
        on_said: Takes what was said in a call; everybody in it hears it unless given.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        *,
        is_wanted: Callable[[ServerCall], bool] = lambda _: True,
        on_said: Callable[[ServerCall, Transcription], None] | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._is_wanted = is_wanted
        self._on_said = on_said or _tell_everybody
        self._followed: dict[str, _Followed] = {}

    def refresh(self, calls: Iterable[ServerCall]) -> None:
        """Learn who can be heard now; `calls` are all that run."""
        wanted = {call.id: call for call in calls if self._is_wanted(call)}
        for gone in self._followed.keys() - wanted.keys():
            del self._followed[gone]
            self._tell("call_ended", self._transcriber.call_ended, gone)
        for call in wanted.values():
            self._refresh_call(self._followed.setdefault(call.id, _Followed(call)))

    def _refresh_call(self, followed: _Followed) -> None:
        call, heard = followed.call, followed.heard
        present = {
            publication.id: publication.owner.id
            for publication in call.publications
            if publication.info.kind is PublicationKind.AUDIO and publication.source is not None
        }
        for gone in heard.keys() - present.keys():
            del heard[gone]
            self._tell("publication_removed", self._transcriber.publication_removed, call.id, gone)
        for publication in present.keys() - heard.keys():
            heard[publication] = _Heard(present[publication])
            self._tell(
                "publication_added",
                self._transcriber.publication_added,
                call.id,
                publication,
                functools.partial(self._said, followed, publication),
            )

    def _said(self, followed: _Followed, publication: str, said: Transcript) -> None:
        heard = followed.heard.get(publication)
        # The roster is newer than what was learnt at the last refresh.
        if heard is None or followed.call.roster.publication(publication) is None:
            _log.debug("a transcript of %s came too late", publication)
            return
        self._on_said(
            followed.call,
            Transcription(
                endpoint=heard.owner,
                publication=publication,
                text=said.text,
                is_partial=said.is_partial,
                language_code=said.language_code,
                timestamp=said.timestamp,
                sequence_number=heard.number,
                stability=said.stability,
                translations=said.translations,
            ),
        )
        # Partial results have the number of the final one that replaces them.
        if not said.is_partial:
            heard.number += 1

    def _tell(self, what: str, tell: Callable[..., None], *arguments: object) -> None:
        try:
            tell(*arguments)
        except Exception:
            _log.exception("the transcriber failed at %s", what)


def _tell_everybody(call: ServerCall, said: Transcription) -> None:
    call.transcribed(said)
