"""`Features.RECORDING`: whether the call is recorded, by whom, and our consent to it.

Recordings are started and stopped at the service; every client of the call hears of it. Where the
call asks for consent, nothing can be sent while it is missing (`core/consent.py`).

Source: `RecordingCallFeature` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.core.facts import RecordingEntry
from acs_core.errors import CallingError, ServiceError
from acs_core.events import CollectionUpdate, RecordingEvent, RecordingInfoEvent

__all__ = ["RecordingCallFeature", "RecordingInfo", "RecordingState", "grant_consent"]

FAILED_TO_SET_CONSENT: Final = 41112
REFUSED_CONSENT = frozenset({41111, 41113})
"""Refusals that are the application's: consent does not exist here, or is not asked for."""


class RecordingState(IntEnum):
    """How far a recording is."""

    STARTED = 1
    PAUSED = 2
    ENDED = 3


class RecordingInfo(Emitter):
    """One recording of the call; the same object from its start to its end."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(RecordingInfoEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45850

    def __init__(self, entry: RecordingEntry, owner: TaskOwner) -> None:
        super().__init__(owner)
        self._display_name = entry.name
        self._state = _state(entry)

    @property
    def display_name(self) -> str:
        """What people call it; may be empty."""
        return self._display_name

    @property
    def state(self) -> RecordingState:
        """How far it is."""
        return self._state

    def update(self, entry: RecordingEntry | None) -> None:
        """Take what is true of it now, None once it was stopped; the feature does this."""
        state = RecordingState.ENDED if entry is None else _state(entry)
        if state is not self._state:
            self._state = state
            self._emit(RecordingInfoEvent.RECORDING_STATE_CHANGED)


class RecordingCallFeature(CallFeature):
    """The recordings of a call."""

    NAME: ClassVar[str] = "Recording"
    EVENTS: ClassVar[frozenset[str]] = frozenset(RecordingEvent)
    EVENT_SUB_CODE: ClassVar[int] = 45850

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._recordings: dict[str, RecordingInfo] = {}
        self._is_active = False

    @property
    def is_recording_active(self) -> bool:
        """Whether a recording runs that is not paused."""
        return self._is_active

    @property
    def recordings(self) -> tuple[RecordingInfo, ...]:
        """Recordings that were started and not stopped, in the order of starting."""
        return tuple(self._recordings.values())

    @property
    def is_teams_consent_required(self) -> bool:
        """Whether we must agree before we may unmute, or send a camera or a screen."""
        return self._context.is_consent_missing

    async def grant_teams_consent(self) -> None:
        """Agree to being recorded and transcribed.

        Raises:
            ServiceError: 400/41111: calls between two people have no consent; 400/41113: it is
                not asked for, or was given; 500/41112: the service failed to note it.
            InvalidStateError: The call is not connected.
            CallingError: 500/45853: the service could not be told.
        """
        await grant_consent(self._context, sub_code=45853)

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, Joined | RosterChanged):
            self._follow()

    def _follow(self) -> None:
        activity = self._context.joined_session().roster.activity
        entries = {entry.id: entry for entry in activity.recordings}
        removed = [self._recordings.pop(key) for key in [*self._recordings] if key not in entries]
        added = []
        for key, entry in entries.items():
            if key not in self._recordings:
                self._recordings[key] = RecordingInfo(entry, self._context.listeners)
                added.append(self._recordings[key])
        has_changed = activity.is_recording is not self._is_active
        self._is_active = activity.is_recording
        for info in removed:
            info.update(None)
        for key, info in self._recordings.items():
            info.update(entries[key])
        if added or removed:
            update = CollectionUpdate(tuple(added), tuple(removed))
            self._emit(RecordingEvent.RECORDINGS_UPDATED, update)
        if has_changed:
            self._emit(RecordingEvent.IS_RECORDING_ACTIVE_CHANGED)


async def grant_consent(context: CallContext, *, sub_code: int) -> None:
    """Agree to being recorded and transcribed; both features offer it.

    Args:
        context: Of the call.
        sub_code: Of the error when the service cannot be told.
    """
    session = context.joined_session()
    try:
        await session.ask(wire.Consent(endpoint=context.endpoint_id))
    except ServiceError as error:
        if error.sub_code in REFUSED_CONSENT:
            raise
        raise ServiceError(
            f"The service did not take the consent: {error.message}",
            code=500,
            sub_code=FAILED_TO_SET_CONSENT,
            stage=error.stage,
            next_step=error.next_step,
        ) from error
    except CallingError as error:
        raise CallingError(
            f"The consent could not be given: {error.message}",
            sub_code=sub_code,
            stage=error.stage,
            next_step="Try again once the network is back.",
        ) from error


def _state(entry: RecordingEntry) -> RecordingState:
    return RecordingState.PAUSED if entry.is_paused else RecordingState.STARTED
