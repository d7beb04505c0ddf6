"""Captions: gives what the transcriber says to the endpoints that asked for it.

Theory of operation. An endpoint asks by `SetCaptions`. While somebody in a call reads captions, or
the call is transcribed, the transcriber hears of the call's voices (`transcription.py`). What is
spoken is a fact of the call, the language of the captions is each reader's own; the transcriber is
told both whenever they change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final
from weakref import WeakKeyDictionary

from acs_core import wire
from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.endpoints import Endpoint
from acs_core.service.server_call import ServerCall
from acs_core.service.transcription import Transcriber, Transcription

__all__ = ["Captions"]

_log = logging.getLogger(__name__)

DISABLED: Final = 45201
SPOKEN_UNSUPPORTED: Final = 45202
CAPTION_UNSUPPORTED: Final = 45213
"""Sub codes of the ACS Calling SDK 2.0.0, FEATURES.CAPTIONS."""


class Captions:
    """Who reads captions, and in which language.

    Args:
        transcriber: Where the texts come from; None: there are no captions.
        on_wanted: Told when a call is to be listened to, or perhaps no longer, so that nobody waits
            for the next round.
    """

    def __init__(
        self, transcriber: Transcriber | None, on_wanted: Callable[[], None] = lambda: None
    ) -> None:
        self._transcriber = transcriber
        self._on_wanted = on_wanted
        # The caption language by reader; empty where nothing is to be translated.
        self._readers: WeakKeyDictionary[Endpoint, str] = WeakKeyDictionary()

    def call_started(self, call: ServerCall) -> None:
        """Say in a new call what captions there are, and hear who leaves it."""
        if self._transcriber is not None:
            call.on_left = self._left
            call.activity.offer_captions(
                self._transcriber.spoken_languages, self._transcriber.caption_languages
            )

    def set(self, endpoint: Endpoint, body: wire.SetCaptions) -> None:
        """Carry out what an endpoint asks for.

        Raises:
            InvalidStateError: 412/45201: there is no transcriber.
            InvalidArgumentError: 400/45202: the spoken language cannot be recognized; 400/45213:
                there is no translation into the caption language.
        """
        if self._transcriber is None:
            raise InvalidStateError(
                "The service has no captions.",
                sub_code=DISABLED,
                stage=Stage.SIGNALING,
                next_step="Give the service a transcriber.",
            )
        if not body.is_on:
            self._left(endpoint)
            return
        offered, call = self._transcriber, endpoint.call
        spoken = body.spoken_language or call.roster.activity.spoken_language
        if spoken or not offered.spoken_languages:
            spoken = _known(spoken, offered.spoken_languages, SPOKEN_UNSUPPORTED)
        else:
            spoken = offered.spoken_languages[0]
        caption = body.caption_language
        # Texts in the language in which they were spoken need no translation.
        if caption.lower() == spoken.lower():
            caption = ""
        elif caption:
            caption = _known(caption, offered.caption_languages, CAPTION_UNSUPPORTED)
        self._readers[endpoint] = caption
        call.activity.set_spoken_language(spoken)
        self._tell_languages(call)
        self._on_wanted()

    def set_spoken_language(self, call: ServerCall, language: str) -> None:
        """Say what is spoken in a call.

        Args:
            call: Which.
            language: A BCP 47 tag, in any case.

        Raises:
            InvalidArgumentError: 400/45202: it cannot be recognized; nothing has changed.
        """
        offered = () if self._transcriber is None else self._transcriber.spoken_languages
        call.activity.set_spoken_language(_known(language, offered, SPOKEN_UNSUPPORTED))
        self._tell_languages(call)

    def is_wanted(self, call: ServerCall) -> bool:
        """Whether somebody in the call reads captions."""
        return any(endpoint in self._readers for endpoint in call.endpoints.values())

    def said(self, call: ServerCall, said: Transcription) -> None:
        """Give a text to those in the call who read captions."""
        for endpoint in list(call.endpoints.values()):
            language = self._readers.get(endpoint)
            if language is not None:
                _give(endpoint, said, language)

    def _left(self, endpoint: Endpoint) -> None:
        """An endpoint reads captions no longer; the last reader's end is the transcriber's."""
        if self._readers.pop(endpoint, None) is not None:
            self._tell_languages(endpoint.call)
            self._on_wanted()

    def _tell_languages(self, call: ServerCall) -> None:
        if self._transcriber is None:
            return
        wanted = {self._readers.get(endpoint, "") for endpoint in call.endpoints.values()}
        spoken = call.roster.activity.spoken_language
        try:
            self._transcriber.languages_changed(call.id, spoken, frozenset(wanted - {""}))
        except Exception:
            # It must not keep anybody in the call who leaves.
            _log.exception("the transcriber failed at languages_changed")


def _give(endpoint: Endpoint, said: Transcription, language: str) -> None:
    translation = said.translations.get(language, "") if language else ""
    notice = wire.Transcribed(
        endpoint=endpoint.id,
        speaker=said.endpoint,
        text=said.text,
        is_final=not said.is_partial,
        timestamp=said.timestamp.timestamp(),
        language=said.language_code,
        caption_language=language if translation else "",
        caption_text=translation,
        publication=said.publication,
        sequence_number=said.sequence_number,
        stability=said.stability,
    )
    endpoint.notify(notice)


def _known(language: str, known: Iterable[str], sub_code: int) -> str:
    """The language in the transcriber's spelling; BCP 47 tags are the same in any case."""
    for item in known:
        if item.lower() == language.lower():
            return item
    raise InvalidArgumentError(
        f"There are no captions for the language {language!r}.",
        sub_code=sub_code,
        stage=Stage.SIGNALING,
        next_step="Use one of the supported languages.",
    )
