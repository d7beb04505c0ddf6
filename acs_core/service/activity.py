"""What is kept of a call: recordings, transcription, consent; one object per `ServerCall`.

Theory of operation. A call is recorded while its recording rules include a published stream
(Twilio's way), or while somebody who runs the service has started a recording (ACS's way). Both
are entries of the roster's `ActivityChanged`, which is committed as a whole whenever one of its
parts changes. Files are written elsewhere (`recording`).

Source: ACS Call Automation, "Record": start, pause, resume, stop; Twilio Video, Recording Rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from acs_core.core.consent import CONSENT_SUB_CODES, is_consent_missing
from acs_core.core.facts import CallType, EndpointAttributes, PublicationKind, RecordingEntry
from acs_core.errors import InvalidArgumentError, ServiceError, Stage

if TYPE_CHECKING:
    from acs_core.service.endpoints import Endpoint
    from acs_core.service.server_call import ServerCall

__all__ = ["CallActivity"]

BY_RULES: Final = "rules"
"""Id of the recording that recording rules make."""


class CallActivity:
    """Starts and stops what is kept of one call."""

    def __init__(self, call: ServerCall, new_id: Callable[[], str]) -> None:
        self._call = call
        self._new_id = new_id

    @property
    def is_recorded_whole(self) -> bool:
        """Whether a recording of the whole call runs."""
        entries = self._call.roster.activity.recordings
        return any(entry.id != BY_RULES and not entry.is_paused for entry in entries)

    # ------------------------------------------------------------ recordings

    def start_recording(self, name: str = "", *, is_paused: bool = False) -> str:
        """Record the whole call, from now on or once it is resumed; return the recording's id."""
        recording = self._new_id()
        entry = RecordingEntry(id=recording, name=name, is_paused=is_paused)
        self._set_recordings((*self._recordings, entry))
        return recording

    def pause_recording(self, recording: str) -> None:
        """Keep nothing until `resume_recording`.

        Raises:
            InvalidArgumentError: 404: there is no such recording.
        """
        self._edit(recording, is_paused=True)

    def resume_recording(self, recording: str) -> None:
        """Go on with a paused recording.

        Raises:
            InvalidArgumentError: 404: there is no such recording.
        """
        self._edit(recording, is_paused=False)

    def stop_recording(self, recording: str) -> None:
        """End a recording.

        Raises:
            InvalidArgumentError: 404: there is no such recording.
        """
        self._known(recording)
        self._set_recordings(entry for entry in self._recordings if entry.id != recording)

    def recorded_by_rules(self, is_recorded: bool, silent_for: Endpoint | None = None) -> None:
        """Learn whether the recording rules include something; the call says it."""
        others = tuple(entry for entry in self._recordings if entry.id != BY_RULES)
        rules = (RecordingEntry(id=BY_RULES),) if is_recorded else ()
        self._set(silent_for, recordings=(*rules, *others))

    # ------------------------------------------------------------ transcription and captions

    def set_transcribing(self, is_transcribing: bool) -> None:
        """Transcribe the call, or no longer."""
        self._set(is_transcribing=is_transcribing)

    def offer_captions(self, spoken: Iterable[str], captions: Iterable[str]) -> None:
        """Say in which languages captions are to be had."""
        self._set(spoken_languages=tuple(spoken), caption_languages=tuple(captions))

    def set_spoken_language(self, language: str) -> None:
        """Say what language captions are made of, for everybody."""
        self._set(spoken_language=language)

    # ------------------------------------------------------------ consent

    def require_consent(self) -> None:
        """Let nobody send media who is kept and has not agreed to it."""
        self._set(needs_consent=True)

    def agree(self, endpoint: Endpoint) -> None:
        """An endpoint agrees to being recorded and transcribed.

        Raises:
            ServiceError: 400/41111: calls between two people have no consent; 400/41113: nothing
                is to be agreed to, or it was.
        """
        if self._call.type is CallType.ONE_TO_ONE:
            raise _refused("A call between two people asks for no consent.", 41111)
        if not self.is_consent_missing(endpoint):
            raise _refused("Consent was given already, or is not asked for.", 41113)
        self._call.set_attributes(endpoint, has_consented=True)

    def check_may_send(self, endpoint: Endpoint, kinds: Iterable[PublicationKind]) -> None:
        """Refuse media of an endpoint in the call that has not agreed.

        Raises:
            ServiceError: 400/41108 for sound, 400/41109 for a camera, 400/41110 for a screen.
        """
        wanted = [CONSENT_SUB_CODES[kind] for kind in kinds if kind in CONSENT_SUB_CODES]
        if wanted and self.is_consent_missing(endpoint):
            raise _refused(
                "The call is recorded and asks for consent.",
                wanted[0],
                "Agree by grant_teams_consent first.",
            )

    def waiting(self, attributes: EndpointAttributes) -> Collection[PublicationKind]:
        """What an endpoint, in the call or about to join it, may only offer disabled for now."""
        roster = self._call.roster
        is_missing = is_consent_missing(self._call.type, roster.activity, attributes)
        return CONSENT_SUB_CODES.keys() if is_missing else ()

    def await_consent(self, silent_for: Endpoint | None = None) -> None:
        """Silence the media of all who have not agreed; the call does this when it may be so.

        Also what flowed before the recording began: nobody is kept by having been quicker.

        Args:
            silent_for: Who learns it from a snapshot.
        """
        for endpoint in list(self._call.endpoints.values()):
            if self.is_consent_missing(endpoint):
                for publication in list(endpoint.publications.values()):
                    if publication.info.kind in CONSENT_SUB_CODES:
                        endpoint.silence(publication.id, silent_for=silent_for)

    def is_consent_missing(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint must agree before it may send media, and before that is kept."""
        roster = self._call.roster
        info = roster.endpoints.get(endpoint.id)
        return info is not None and is_consent_missing(
            self._call.type, roster.activity, info.attributes
        )

    # ------------------------------------------------------------ inside

    @property
    def _recordings(self) -> tuple[RecordingEntry, ...]:
        return self._call.roster.activity.recordings

    def _known(self, recording: str) -> None:
        if recording == BY_RULES or all(entry.id != recording for entry in self._recordings):
            raise InvalidArgumentError(
                f"There is no recording {recording!r} in this call.",
                code=404,
                stage=Stage.ARGUMENT,
            )

    def _edit(self, recording: str, *, is_paused: bool) -> None:
        self._known(recording)
        self._set_recordings(
            msgspec.structs.replace(entry, is_paused=is_paused) if entry.id == recording else entry
            for entry in self._recordings
        )

    def _set_recordings(self, recordings: Iterable[RecordingEntry]) -> None:
        self._set(recordings=tuple(recordings))
        self._call.refresh_recording()

    def _set(self, silent_for: Endpoint | None = None, **changes: object) -> None:
        before = self._call.roster.activity
        after = msgspec.structs.replace(before, **changes)
        if after != before:
            self._call.commit(after, silent_for=silent_for)


def _refused(message: str, sub_code: int, next_step: str = "") -> ServiceError:
    return ServiceError(
        message, code=400, sub_code=sub_code, stage=Stage.SIGNALING, next_step=next_step
    )
