"""`Features.CAPTIONS`: what is said in the call as text.

Captions are an endpoint's own matter: who asks for them gets them, and in a meeting in the language
of their choice. What language is spoken holds for the whole call. In meetings the captions are
`TeamsCaptions`, elsewhere `Captions`; which is known once the call is connected.

Source: `CaptionsCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from acs_core import wire
from acs_core.client.arguments import check_type
from acs_core.client.emitter import Emitter
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    Joined,
    News,
    Noticed,
    Over,
    RosterChanged,
)
from acs_core.core.facts import CallType
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.events import CaptionsEvent, CaptionsFeatureEvent, TeamsCaptionsEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id
from acs_core.models import CallerInfo, EndpointDetails, ParticipantInfo

__all__ = [
    "Captions",
    "CaptionsCallFeature",
    "CaptionsCommon",
    "CaptionsInfo",
    "CaptionsKind",
    "CaptionsResultType",
    "StartCaptionsOptions",
    "TeamsCaptions",
    "TeamsCaptionsInfo",
]

_log = logging.getLogger(__name__)


class CaptionsKind(StrEnum):
    """What kind of captions a call has."""

    TEAMS_CAPTIONS = "TeamsCaptions"
    CAPTIONS = "Captions"


class CaptionsResultType(StrEnum):
    """Whether a text may still change."""

    PARTIAL = "Partial"
    FINAL = "Final"


@dataclass(frozen=True, slots=True)
class StartCaptionsOptions:
    """How captions begin.

    Attributes:
        spoken_language: BCP 47 tag, case does not matter; empty keeps the call's.
    """

    spoken_language: str = ""


@dataclass(frozen=True, slots=True)
class CaptionsInfo:
    """One piece of text.

    Attributes:
        spoken_language: BCP 47 tag.
        timestamp: When it was said; aware.
        publication: Id of the audio publication in which it was said (ours).
        sequence_number: Counts up per publication; a text that changes keeps its number (ours).
        stability: 0..1, how likely a text that may change stays; None when not known (ours).
    """

    result_type: CaptionsResultType
    speaker: ParticipantInfo
    spoken_language: str
    spoken_text: str
    timestamp: datetime
    publication: str = ""
    sequence_number: int = 0
    stability: float | None = None


@dataclass(frozen=True, slots=True)
class TeamsCaptionsInfo:
    """One piece of text in a meeting.

    Attributes:
        caption_text: The translation, or what was spoken where there is none.
        caption_language: BCP 47 tag of `caption_text`.
        spoken_language: BCP 47 tag of `spoken_text`.
        timestamp: When it was said; aware.
    """

    caption_text: str
    caption_language: str
    result_type: CaptionsResultType
    speaker: CallerInfo
    spoken_language: str
    spoken_text: str
    timestamp: datetime


class CaptionsCommon(Emitter):
    """Captions of either kind."""

    KIND: ClassVar[CaptionsKind]

    def __init__(self, context: CallContext) -> None:
        super().__init__(context.listeners)
        self._context = context
        self._is_active = False
        self._is_starting = False
        self._spoken_language = ""
        self._caption_language = ""

    @property
    def kind(self) -> CaptionsKind:
        """Which class this is an object of."""
        return self.KIND

    @property
    def is_captions_feature_active(self) -> bool:
        """Whether texts come."""
        return self._is_active

    @property
    def supported_spoken_languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what can be recognized; empty where the service has no transcriber."""
        session = self._context.session
        return () if session is None else session.roster.activity.spoken_languages

    @property
    def active_spoken_language(self) -> str:
        """BCP 47 tag of what the call speaks; empty before captions were started in it."""
        return self._spoken_language

    async def start_captions(self, options: StartCaptionsOptions | None = None) -> None:
        """Ask for texts.

        Raises:
            InvalidStateError: 400/45217: they come already; 400/45219: they are being started;
                400/45226: the call is not connected.
            ServiceError: 412/45201: the service has no captions; 400/45202: that language is not
                to be had.
        """
        if self._is_active:
            raise _misused("Captions are active already.", 45217)
        if self._is_starting:
            raise _misused("Captions are being started already.", 45219)
        if not self._context.is_joined:
            raise _misused("The call is not connected.", 45226)
        wanted = options or StartCaptionsOptions()
        check_type(wanted, StartCaptionsOptions, "The options")
        self._is_starting = True
        try:
            await self._in_turn(lambda: self._start(wanted.spoken_language))
        finally:
            self._is_starting = False

    async def stop_captions(self) -> None:
        """Ask for no more texts.

        Raises:
            InvalidStateError: 400/45218: none come.
        """
        if not self._is_active:
            raise _misused("Captions are not active.", 45218)
        await self._in_turn(self._stop)

    async def set_spoken_language(self, language: str) -> None:
        """Say what the call speaks, for everybody in it.

        Args:
            language: BCP 47 tag, case does not matter.

        Raises:
            InvalidStateError: 400/45206: captions are not active.
            InvalidArgumentError: 400/45220: it is that already.
            ServiceError: 400/45202: it cannot be recognized.
        """
        if not self._is_active:
            raise _misused("Captions are not active.", 45206)
        check_type(language, str, "A language", 45202)
        if language.lower() == self._spoken_language.lower():
            raise InvalidArgumentError(f"{language} is spoken already.", sub_code=45220)
        await self._in_turn(lambda: self._speak(language))

    def follow(self) -> None:
        """Take what the call speaks now; the feature does this."""
        language = self._context.joined_session().roster.activity.spoken_language
        if language != self._spoken_language:
            self._spoken_language = language
            self._emit(CaptionsEvent.SPOKEN_LANGUAGE_CHANGED)

    def receive(self, said: wire.Transcribed) -> None:
        """Take a text; the feature does this."""
        if self._is_starting:
            # It came behind the answer, before whoever asked had a chance to read that.
            self._set_active(True)
        info = self._context.joined_session().roster.endpoints.get(said.speaker)
        if not self._is_active or info is None:
            _log.debug("a caption of %s is nobody's any more", said.speaker)
            return
        speaker = ParticipantInfo(
            parse_raw_id(info.identity), info.name, endpoint_details=(EndpointDetails(info.id),)
        )
        self._emit(CaptionsEvent.CAPTIONS_RECEIVED, self._info(said, speaker))

    def end(self) -> None:
        """The call is over; the feature says so."""
        self._set_active(False)

    def _info(
        self, said: wire.Transcribed, speaker: ParticipantInfo
    ) -> CaptionsInfo | TeamsCaptionsInfo:
        return CaptionsInfo(
            result_type=_result_type(said),
            speaker=speaker,
            spoken_language=said.language,
            spoken_text=said.text,
            timestamp=datetime.fromtimestamp(said.timestamp, UTC),
            publication=said.publication,
            sequence_number=said.sequence_number,
            stability=said.stability,
        )

    async def _in_turn(self, change: Callable[[], Awaitable[None]]) -> None:
        """Make one change after the other, each to its end, so that the last one asked for holds.

        A caller that is cancelled does not know what the service did; the change goes on, so that
        we do.
        """
        await self._context.enqueued(change, "change captions")

    async def _start(self, spoken_language: str) -> None:
        await self._ask(is_on=True, spoken_language=spoken_language)
        self._set_active(True)

    async def _stop(self) -> None:
        if self._is_active:
            await self._ask(is_on=False)
            self._caption_language = ""
            self._set_active(False)

    async def _speak(self, language: str) -> None:
        if not self._is_active:
            raise _misused("Captions are not active any more.", 45206)
        await self._ask(is_on=True, spoken_language=language)

    async def _ask(
        self, *, is_on: bool, spoken_language: str = "", caption_language: str | None = None
    ) -> None:
        chosen = self._caption_language if caption_language is None else caption_language
        await self._context.joined_session().ask(
            wire.SetCaptions(
                endpoint=self._context.endpoint_id,
                is_on=is_on,
                spoken_language=spoken_language,
                caption_language=chosen,
            )
        )

    def _set_active(self, is_active: bool) -> None:
        if is_active is not self._is_active:
            self._is_active = is_active
            self._emit(CaptionsEvent.CAPTIONS_ACTIVE_CHANGED)


class Captions(CaptionsCommon):
    """Captions of a call that is no meeting: what was said, in the language in which it was."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(CaptionsEvent)
    KIND: ClassVar[CaptionsKind] = CaptionsKind.CAPTIONS


class TeamsCaptions(CaptionsCommon):
    """Captions of a meeting, which can be translated."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(TeamsCaptionsEvent)
    KIND: ClassVar[CaptionsKind] = CaptionsKind.TEAMS_CAPTIONS

    @property
    def supported_caption_languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what texts can be translated into."""
        session = self._context.session
        return () if session is None else session.roster.activity.caption_languages

    @property
    def active_caption_language(self) -> str:
        """BCP 47 tag of what texts are shown in."""
        return self._caption_language or self._spoken_language

    async def set_caption_language(self, language: str) -> None:
        """Have the texts translated, for us alone.

        Args:
            language: BCP 47 tag, case does not matter.

        Raises:
            InvalidStateError: 400/45210: captions are not active.
            InvalidArgumentError: 400/45222: it is that already.
            ServiceError: 400/45213: there is no translation into it.
        """
        if not self._is_active:
            raise _misused("Captions are not active.", 45210)
        check_type(language, str, "A language", 45213)
        await self._in_turn(lambda: self._translate(language))

    async def _translate(self, language: str) -> None:
        if not self._is_active:
            raise _misused("Captions are not active any more.", 45210)
        if language.lower() == self.active_caption_language.lower():
            raise InvalidArgumentError(f"Texts are in {language} already.", sub_code=45222)
        await self._ask(is_on=True, caption_language=language)
        self._caption_language = language
        self._emit(TeamsCaptionsEvent.CAPTION_LANGUAGE_CHANGED)

    def _info(
        self, said: wire.Transcribed, speaker: ParticipantInfo
    ) -> CaptionsInfo | TeamsCaptionsInfo:
        return TeamsCaptionsInfo(
            caption_text=said.caption_text or said.text,
            caption_language=said.caption_language or said.language,
            result_type=_result_type(said),
            speaker=_caller(speaker.identifier, speaker.display_name),
            spoken_language=said.language,
            spoken_text=said.text,
            timestamp=datetime.fromtimestamp(said.timestamp, UTC),
        )


class CaptionsCallFeature(CallFeature):
    """The captions of a call."""

    NAME: ClassVar[str] = "Captions"
    EVENTS: ClassVar[frozenset[str]] = frozenset(CaptionsFeatureEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._captions: Captions | TeamsCaptions = Captions(context)

    @property
    def captions(self) -> Captions | TeamsCaptions:
        """Captions of the call's kind; another object once the call turns out a meeting."""
        return self._captions

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Joined():
                if self._context.joined_session().roster.call_type is CallType.MEETING:
                    self._captions = TeamsCaptions(self._context)
                    self._emit(CaptionsFeatureEvent.CAPTIONS_KIND_CHANGED)
                self._captions.follow()
            case RosterChanged():
                self._captions.follow()
            case Noticed(notice=wire.Transcribed() as said):
                self._captions.receive(said)
            case Over():
                self._captions.end()
            case _:
                pass


def _misused(message: str, sub_code: int) -> InvalidStateError:
    return InvalidStateError(message, code=400, sub_code=sub_code)


def _result_type(said: wire.Transcribed) -> CaptionsResultType:
    return CaptionsResultType.FINAL if said.is_final else CaptionsResultType.PARTIAL


def _caller(identifier: CommunicationIdentifier, name: str) -> CallerInfo:
    return CallerInfo(identifier, name)
