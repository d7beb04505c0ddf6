"""The transcription of a room as something that is started, stopped, configured and remembered.

Theory of operation. Whether a call is transcribed is a fact of the call (`activity.py`), what is
heard and said is the business of `transcription.py`. Here is one record per room that was ever
transcribed, which follows that fact, whoever changed it: since when, how long, with what
configuration. It counts while it is started and somebody is in the room. A transcription that
cannot work has failed: the service has no transcriber, or none for the language. It stays failed.

Records of rooms in progress are in memory and written behind; others come from the database.

Source: Twilio Video, Real-time Transcriptions: the Transcriptions resource and its configuration.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from acs_core.core.facts import ActivityChanged, EndpointJoined, EndpointLeft, Fact
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.service.parts import ServicePart
from acs_core.service.store.database import Database
from acs_core.service.store.transcriptions import (
    TRANSCRIPTIONS,
    transcription_of,
    unfinished_transcriptions,
)

if TYPE_CHECKING:
    from acs_core.service.captions import Captions
    from acs_core.service.server_call import ServerCall
    from acs_core.service.transcription import Transcriber, Transcription

__all__ = ["RoomTranscriptions", "TranscriptionRecord", "TranscriptionStatus"]

_log = logging.getLogger(__name__)

LANGUAGE: Final = "languageCode"
PARTIAL_RESULTS: Final = "partialResults"


class TranscriptionStatus(StrEnum):
    """Whether what is said is written down."""

    STARTED = "started"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class TranscriptionRecord:
    """The transcription of one room.

    Attributes:
        call_id: The call's, with `RM` the room SID.
        status: As of now, or as it was when the room ended.
        configuration: How, in Twilio's names; every value is text.
        created_at: Unix seconds.
        updated_at: When status or configuration were last changed; None: never.
        started_at: Since when it was started and somebody was there; None: not yet.
        ended_at: When that was last over; None while it is so, or if it never was.
        seconds: How long that was altogether, as far as it is over.
        running_since: Since when it is so; None when it is not.
    """

    call_id: str
    status: TranscriptionStatus
    created_at: float
    configuration: Mapping[str, str] = field(default_factory=dict)
    updated_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    seconds: float = 0.0
    running_since: float | None = None

    def duration(self, now: float) -> float | None:
        """Seconds for which it was started and somebody was there; None if it never was so."""
        if self.started_at is None:
            return None
        running = 0.0 if self.running_since is None else now - self.running_since
        # Clocks are set back now and then.
        return self.seconds + max(0.0, running)

    def run(self, *, is_running: bool, now: float) -> bool:
        """Count from now on, or no longer; return whether that is news."""
        if is_running is (self.running_since is not None):
            return False
        if self.running_since is None:
            self.running_since, self.ended_at = now, None
            self.started_at = now if self.started_at is None else self.started_at
        else:
            self.seconds += max(0.0, now - self.running_since)
            self.running_since, self.ended_at = None, now
        return True


class RoomTranscriptions(ServicePart):
    """The transcriptions of all rooms.

    Args:
        transcriber: Who writes down; None: nobody.
        captions: Knows which languages there are.
        database: Where records are kept.
        clock: Unix seconds.
    """

    def __init__(
        self,
        transcriber: Transcriber | None,
        captions: Captions,
        database: Callable[[], Database],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transcriber = transcriber
        self._captions = captions
        self._database = database
        self._clock = clock
        self._live: dict[str, TranscriptionRecord] = {}
        # Of rooms in progress when the service stopped, until they are taken up again.
        self._kept: dict[str, TranscriptionRecord] = {}
        # Calls that were there before the records; None when those were read.
        self._early: dict[str, ServerCall] | None = {}

    # ------------------------------------------------------------ what may be asked

    async def find(self, call_id: str) -> TranscriptionRecord | None:
        """The record of a call, or None where there is none.

        Raises:
            ServiceError: 503, the database cannot be read.
        """
        live = self._live.get(call_id)
        if live is not None:
            return live
        row = await self._database().first(transcription_of(call_id))
        return None if row is None else _record(row._mapping)

    def create(self, call: ServerCall, configuration: Mapping[str, str]) -> TranscriptionRecord:
        """Transcribe a room from now on.

        Raises:
            InvalidStateError: It has its transcription, or the service has no transcriber.
            InvalidArgumentError: Nobody writes down the language; nothing has changed.
        """
        if call.id in self._live:
            raise InvalidStateError(
                "The room has a transcription.",
                next_step="Update that one: a room has only one.",
            )
        self._check_transcriber()
        self._configure(call, configuration)
        record = self._add(call, TranscriptionStatus.STARTED, configuration)
        call.activity.set_transcribing(True)
        self._count(call)
        return record

    def update(
        self,
        call: ServerCall,
        *,
        status: TranscriptionStatus | None = None,
        configuration: Mapping[str, str] | None = None,
    ) -> TranscriptionRecord | None:
        """Stop, start again or configure the transcription of a room that is in progress.

        Args:
            call: The room.
            status: Started or stopped; None: as it is.
            configuration: What it is to have besides what it has; None: nothing.

        Returns:
            None where the room has none.

        Raises:
            InvalidStateError: It has failed.
            InvalidArgumentError: As for `create`.
        """
        record = self._live.get(call.id)
        if record is None:
            return None
        if record.status is TranscriptionStatus.FAILED:
            raise InvalidStateError(
                "The transcription has failed and cannot be changed.",
                next_step="Give the service a transcriber that knows the language.",
            )
        wanted = (status or record.status, {**record.configuration, **(configuration or {})})
        if configuration is not None:
            self._configure(call, wanted[1])
        if wanted != (record.status, record.configuration):
            record.status, record.configuration = wanted
            record.updated_at = self._clock()
            self._keep(record)
        # The record is right already: what follows from this changes it no more.
        call.activity.set_transcribing(record.status is TranscriptionStatus.STARTED)
        self._count(call)
        return record

    def is_wanted(self, call: ServerCall, said: Transcription) -> bool:
        """Whether those in the room are to hear of this: partial results only where asked for."""
        record = self._live.get(call.id)
        return record is None or not said.is_partial or _is_true(record, PARTIAL_RESULTS)

    # ------------------------------------------------------------ life of the service

    async def start(self) -> None:
        """Take up the records of rooms that are in progress again."""
        rows = await self._database().all(unfinished_transcriptions())
        self._kept = {row.call_id: _record(row._mapping) for row in rows}
        early, self._early = self._early or {}, None
        for call in early.values():
            self.call_started(call)

    async def close(self) -> None:
        """Count as over what belongs to rooms that were not in progress any more."""
        for record in self._kept.values():
            self._keep(record, finished_at=self._clock())
        self._kept.clear()

    def call_started(self, call: ServerCall) -> None:
        """Transcribe it, if it was created so or was so before the service restarted."""
        if call.is_probe or call.room is None:
            return
        if self._early is not None:
            self._early[call.id] = call
            return
        record = self._kept.pop(call.id, None)
        options = call.room.options
        if record is not None:
            self._live[call.id] = record
        elif options.is_transcribed:
            configuration = {key: str(value) for key, value in options.transcription.items()}
            record = self._add(call, TranscriptionStatus.STARTED, configuration)
        if record is None or record.status is not TranscriptionStatus.STARTED:
            return
        try:
            self._check_transcriber()
            self._configure(call, record.configuration)
        except (InvalidArgumentError, InvalidStateError) as error:
            _log.error("room %s is not transcribed: %s", call.id, error)
            record.status, record.updated_at = TranscriptionStatus.FAILED, self._clock()
            self._keep(record)
        else:
            call.activity.set_transcribing(True)

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Follow what is true in the room."""
        if call.is_probe or call.room is None:
            return
        if isinstance(fact, ActivityChanged):
            self._follow(call, is_transcribing=fact.is_transcribing)
        if isinstance(fact, ActivityChanged | EndpointJoined | EndpointLeft):
            self._count(call)

    def call_ended(self, call: ServerCall) -> None:
        """Its record is in the database from now on, finished unless the room is to go on."""
        if self._early is not None:
            self._early.pop(call.id, None)
        record = self._live.pop(call.id, None)
        if record is not None:
            now = self._clock()
            record.run(is_running=False, now=now)
            self._keep(record, finished_at=None if call.record.goes_on else now)

    # ------------------------------------------------------------ inside

    def _follow(self, call: ServerCall, *, is_transcribing: bool) -> None:
        """Others than this part have started or stopped it, too."""
        record = self._live.get(call.id)
        if is_transcribing and self._transcriber is None:
            return
        if record is None:
            if is_transcribing:
                # They hear all that the transcriber says, as there is nobody who chose otherwise.
                self._add(call, TranscriptionStatus.STARTED, {PARTIAL_RESULTS: "true"})
            return
        if record.status is TranscriptionStatus.FAILED and not is_transcribing:
            return
        status = TranscriptionStatus.STARTED if is_transcribing else TranscriptionStatus.STOPPED
        if record.status is not status:
            record.status, record.updated_at = status, self._clock()
            self._keep(record)

    def _count(self, call: ServerCall) -> None:
        record = self._live.get(call.id)
        if record is None:
            return
        is_running = record.status is TranscriptionStatus.STARTED and bool(call.endpoints)
        if record.run(is_running=is_running, now=self._clock()):
            self._keep(record)

    def _add(
        self, call: ServerCall, status: TranscriptionStatus, configuration: Mapping[str, str]
    ) -> TranscriptionRecord:
        record = TranscriptionRecord(call.id, status, self._clock(), configuration)
        self._live[call.id] = record
        self._keep(record)
        return record

    def _keep(self, record: TranscriptionRecord, *, finished_at: float | None = None) -> None:
        row: dict[str, Any] = asdict(record) | {"finished_at": finished_at}
        del row["running_since"]
        self._database().put(TRANSCRIPTIONS, row)

    def _check_transcriber(self) -> None:
        if self._transcriber is None:
            raise InvalidStateError(
                "The service has no transcriber.",
                next_step="Give it one: `transcriber=` of the server.",
            )

    def _configure(self, call: ServerCall, configuration: Mapping[str, str]) -> None:
        language = configuration.get(LANGUAGE)
        if language is not None:
            self._captions.set_spoken_language(call, language)
        if self._transcriber is not None:
            try:
                self._transcriber.configured(call.id, configuration)
            except Exception:
                _log.exception("the transcriber failed at configured")


def _is_true(record: TranscriptionRecord, name: str) -> bool:
    return record.configuration.get(name, "").lower() == "true"


def _record(row: Mapping[Any, Any]) -> TranscriptionRecord:
    return TranscriptionRecord(
        call_id=row["call_id"],
        status=TranscriptionStatus(row["status"]),
        created_at=row["created_at"],
        configuration=row["configuration"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=row["seconds"],
    )
