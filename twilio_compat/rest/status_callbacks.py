"""Status callbacks: what happens in rooms, told to the URL that a room was created with.

Facts of a call become Twilio's events here; delivery is the service's
(`acs_core.service.webhooks`). Who goes takes their tracks along: those are removed first, as far as
others are told.

A room that goes on after a restart is neither ended nor created again: its events are numbered on.
Whoever was there when the service was killed is gone; that is told as soon as the room is back,
from what was told before.

Source: Twilio Video, "Status Callbacks".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from msgspec.structs import replace

from acs_core.core import endings
from acs_core.core.facts import (
    EndpointJoined,
    EndpointLeft,
    Fact,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.history import CallRecord
from acs_core.service.parts import ServicePart
from acs_core.service.server_call import ServerCall
from acs_core.service.webhooks import Webhooks
from twilio_compat.rest.callback_news import (
    CompositionNews,
    RecordingNews,
    failure_fields,
    hook_fields,
    recording_fields,
    whole,
)
from twilio_compat.rest.signatures import fields_of, renamed, signed_request

__all__ = ["StatusCallbacks"]

_log = logging.getLogger(__name__)

PERSON: Final = ("ParticipantSid", "ParticipantStatus", "ParticipantIdentity")
TRACK: Final = ("TrackSid", "TrackKind", "TrackName")
MOST_REMEMBERED: Final = 1000
"""Calls that were told of, and may have recordings that are not completed."""
MOST_LOOKED_AT: Final = 10_000
"""Events of a room, the newest, among which is looked for who was there."""


class StatusCallbacks(ServicePart):
    """Tells what happens in rooms that have a status callback.

    Args:
        webhooks: Delivers it; started before this part.
        account_sid: The account that everything belongs to.
        auth_token: Signs; empty: nothing is signed.
        default_url: For rooms that have no status callback of their own.
        default_method: GET or POST.
        find: Gives a call that is over, by id.
        clock: Unix seconds.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        *,
        account_sid: str,
        auth_token: str,
        default_url: str | None = None,
        default_method: str = "POST",
        find: Callable[[str], Awaitable[CallRecord | None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._webhooks = webhooks
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._default = (default_url, default_method)
        self._clock = clock
        # By call and participant: the tracks that others were told of, by publication id.
        self._rooms: dict[str, dict[str, dict[str, PublicationInfo]]] = {}
        # By id; recordings are completed when their call is over.
        self._records: dict[str, CallRecord] = {}
        self._find = find
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def check(self, url: str) -> None:
        """Refuse a URL where it is given.

        Raises:
            InvalidArgumentError: It cannot be used, or leads where webhooks must not go.
        """
        self._webhooks.check(url)

    async def start(self) -> None:
        """Begin.

        Raises:
            InvalidArgumentError: The default URL cannot be used.
        """
        if self._default[0] is not None:
            self.check(self._default[0])

    async def close(self) -> None:
        """End; what was not told is found again after the next start."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------ rooms

    def call_started(self, call: ServerCall) -> None:
        """`room-created`, or who is gone since the service was killed."""
        if call.is_probe or self._target(call.record)[0] is None:
            return
        self._rooms[call.id] = {}
        self._remember(call.record)
        if not call.is_resumed:
            self._tell("room-created", call.record)
            return
        before = self._webhooks.sequence(_group(call.record))
        self._begin(self._clear(call.record, before), call.id)

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Events of participants and tracks.

        Who hears of a fact may change something at once, and that is heard of first: what is gone
        again by then was never there.
        """
        people = self._rooms.get(call.id)
        if people is None:
            return
        match fact:
            case EndpointJoined(endpoint=who) if who.id in call.roster.endpoints:
                people[who.id] = {}
                self._tell_of("participant-connected", call.record, who.id)
                for track in who.publications:
                    self._added(call, who.id, track)
            case EndpointLeft(endpoint=endpoint_id) if endpoint_id in people:
                self._left(call, endpoint_id, people.pop(endpoint_id))
            case PublicationAdded(endpoint=endpoint_id, publication=track):
                self._added(call, endpoint_id, track)
            case PublicationRemoved(publication=publication_id):
                for endpoint_id, tracks in people.items():
                    if publication_id in tracks:
                        track = tracks.pop(publication_id)
                        self._tell_track("track-removed", call, endpoint_id, track)
            case PublicationChanged(publication=publication_id, enabled=enabled):
                for endpoint_id, tracks in people.items():
                    if publication_id in tracks:
                        self._changed(call, endpoint_id, tracks, publication_id, enabled)
            case _:
                pass

    def call_ended(self, call: ServerCall) -> None:
        """`room-ended`, unless the room goes on after a restart."""
        record = call.record
        is_over = record.end_reason != endings.SERVICE_STOPPED
        if self._rooms.pop(call.id, None) is not None and is_over:
            seconds = (record.ended_at or self._clock()) - record.started_at
            self._tell("room-ended", record, {"RoomDuration": str(int(seconds))})

    async def rename(self, call_id: str, endpoint_id: str, identity: str) -> None:
        """Call a participant otherwise in what was told of them, and is remembered or waits.

        Args:
            call_id: Of the room in which they are or were.
            endpoint_id: Who.
            identity: From now on.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        participant = urlencode({"ParticipantSid": f"PA{endpoint_id}"})
        await self._webhooks.rewrite(
            f"RM{call_id}",
            f"{participant}&",
            lambda request: renamed(self._auth_token, request, identity),
        )

    async def _clear(self, record: CallRecord, before: int) -> None:
        """Tell that everybody is gone of whom only was told that they came.

        Args:
            record: The room.
            before: The number of its first event since it is back: that is of no interest.
        """
        people: dict[str, dict[str, Mapping[str, str]]] = {}
        try:
            rows = await self._webhooks.rows(group=_group(record), most=MOST_LOOKED_AT)
        except ServiceError as error:
            _log.warning("who was in room %s is not told as gone: %s", record.id, error)
            return
        for row in (item for item in reversed(rows) if item["sequence"] < before):
            fields = fields_of(row)
            participant, track = fields.get("ParticipantSid", ""), fields.get("TrackSid", "")
            match row["event"]:
                case "participant-connected":
                    people[participant] = {"": fields}
                case "participant-disconnected":
                    people.pop(participant, None)
                case "track-added" if participant in people:
                    people[participant][track] = fields
                case "track-removed" if participant in people:
                    people[participant].pop(track, None)
                case _:
                    pass
        for told in people.values():
            self._tell_gone(record, told)

    def _tell_gone(self, record: CallRecord, told: Mapping[str, Mapping[str, str]]) -> None:
        person = {name: told[""][name] for name in PERSON}
        for track, fields in told.items():
            if track:
                about = {name: fields[name] for name in TRACK}
                self._tell("track-removed", record, {**person, **about})
        came = datetime.fromisoformat(told[""]["Timestamp"]).timestamp()
        gone = {
            "ParticipantStatus": "disconnected",
            "ParticipantDuration": str(int(max(0.0, self._clock() - came))),
        }
        self._tell("participant-disconnected", record, {**person, **gone})

    def _added(self, call: ServerCall, endpoint_id: str, track: PublicationInfo) -> None:
        tracks = self._rooms[call.id].get(endpoint_id)
        if tracks is not None and call.roster.publication(track.id) is not None:
            tracks[track.id] = track
            self._tell_track("track-added", call, endpoint_id, track)

    def _changed(
        self,
        call: ServerCall,
        endpoint_id: str,
        tracks: dict[str, PublicationInfo],
        publication_id: str,
        is_enabled: bool,
    ) -> None:
        before = tracks[publication_id]
        # The other thing that changes is the priority.
        if before.enabled is not is_enabled:
            tracks[publication_id] = replace(before, enabled=is_enabled)
            event = "track-enabled" if is_enabled else "track-disabled"
            self._tell_track(event, call, endpoint_id, before)

    def _left(
        self, call: ServerCall, endpoint_id: str, tracks: Mapping[str, PublicationInfo]
    ) -> None:
        for track in tracks.values():
            self._tell_track("track-removed", call, endpoint_id, track)
        visit = call.record.visits.get(endpoint_id)
        stay = 0.0 if visit is None else (visit.left_at or self._clock()) - visit.arrived_at
        self._tell_of(
            "participant-disconnected",
            call.record,
            endpoint_id,
            {"ParticipantStatus": "disconnected", "ParticipantDuration": str(int(stay))},
        )

    # ------------------------------------------------------------ recordings

    def recording_started(self, news: RecordingNews) -> None:
        """`recording-started`."""
        self._tell_recording("recording-started", news, {})

    def recording_completed(self, news: RecordingNews) -> None:
        """`recording-completed`: its media can be fetched."""
        fields = {
            "MediaUri": f"/v1/Recordings/{news.sid}/Media",
            "Duration": whole(news.duration),
            "Size": str(news.size or 0),
        }
        self._tell_recording("recording-completed", news, fields)

    def recording_failed(self, news: RecordingNews) -> None:
        """`recording-failed`."""
        fields = {"FailedOperation": news.failed_operation or "RecordingComplete"}
        self._tell_recording("recording-failed", news, fields)

    def _tell_recording(self, event: str, news: RecordingNews, more: Mapping[str, str]) -> None:
        fields = {**recording_fields(news), **more}
        record = self._records.get(news.call)
        if record is not None:
            visit = record.visits.get(news.participant)
            # Who was made anonymous since then has another identity than in the recording.
            who = {} if visit is None else {"ParticipantIdentity": visit.identity}
            self._tell(event, record, {**fields, **who})
        elif self._find is not None and not self._is_closed:
            self._begin(self._tell_found(self._find(news.call), event, fields), news.call)

    async def _tell_found(
        self, finding: Awaitable[CallRecord | None], event: str, fields: Mapping[str, str]
    ) -> None:
        """Tell of a recording whose call was over before a restart."""
        try:
            record = await finding
        except ServiceError as error:
            _log.warning("%s is not told: %s", event, error)
            return
        if record is not None:
            self._remember(record)
            self._tell(event, record, fields)

    # ------------------------------------------------------------ compositions

    def composition_enqueued(self, news: CompositionNews) -> None:
        """`composition-enqueued`, of compositions that a hook makes only."""
        if news.hook is not None:
            self._tell_composition("composition-enqueued", news, hook_fields(news.hook))

    def composition_started(self, news: CompositionNews) -> None:
        """`composition-started`."""
        self._tell_composition("composition-started", news, {})

    def composition_progress(self, news: CompositionNews) -> None:
        """`composition-progress`; Twilio tells it about every ten percent."""
        fields = {
            "PercentageDone": whole(news.percentage),
            "SecondsRemaining": whole(news.seconds_remaining),
        }
        self._tell_composition("composition-progress", news, fields)

    def composition_available(self, news: CompositionNews) -> None:
        """`composition-available`: its media can be fetched."""
        fields = {
            "MediaUri": f"/v1/Compositions/{news.sid}/Media",
            "Duration": whole(news.duration),
            "Size": str(news.size or 0),
        }
        self._tell_composition("composition-available", news, fields)

    def composition_failed(self, news: CompositionNews) -> None:
        """`composition-failed`."""
        self._tell_composition("composition-failed", news, failure_fields(news))

    def composition_hook_failed(self, news: CompositionNews) -> None:
        """`composition-hook-failed`: the hook could not make one."""
        hook = {} if news.hook is None else hook_fields(news.hook)
        self._tell_composition("composition-hook-failed", news, {**hook, **failure_fields(news)})

    def _tell_composition(self, event: str, news: CompositionNews, more: Mapping[str, str]) -> None:
        fields = {"RoomSid": news.room_sid, **more}
        if news.sid:
            fields["CompositionSid"] = news.sid
            fields["CompositionUri"] = f"/v1/Compositions/{news.sid}"
        group = news.sid or f"hook {news.room_sid}"
        self._post(event, news.url, news.method, fields, group)

    # ------------------------------------------------------------ inside

    def _remember(self, record: CallRecord) -> None:
        self._records[record.id] = record
        if len(self._records) > MOST_REMEMBERED:
            over = (key for key, item in self._records.items() if item.ended_at is not None)
            oldest = next(over, None)
            if oldest is not None:
                del self._records[oldest]

    def _begin(self, work: Coroutine[Any, Any, None], call_id: str) -> None:
        task = asyncio.create_task(work, name=f"callbacks of {call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ sending

    def _tell_track(
        self, event: str, call: ServerCall, endpoint_id: str, track: PublicationInfo
    ) -> None:
        is_data = track.kind is PublicationKind.DATA
        fields = {
            "TrackSid": f"MT{track.id}",
            "TrackKind": "data" if is_data else track.kind.media,
            "TrackName": track.name,
        }
        self._tell_of(event, call.record, endpoint_id, fields)

    def _tell_of(
        self,
        event: str,
        record: CallRecord,
        endpoint_id: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        visit = record.visits.get(endpoint_id)
        fields = {
            "ParticipantSid": f"PA{endpoint_id}",
            "ParticipantStatus": "connected",
            "ParticipantIdentity": "" if visit is None else visit.identity,
        }
        self._tell(event, record, {**fields, **(more or {})})

    def _tell(self, event: str, record: CallRecord, more: Mapping[str, str] | None = None) -> None:
        url, method = self._target(record)
        if url is None or record.room is None:
            return
        group = _group(record)
        fields = {
            "RoomSid": f"RM{record.id}",
            "RoomName": record.room.unique_name or f"RM{record.id}",
            "RoomType": str(record.room.options.kind),
            "RoomStatus": "in-progress" if record.ended_at is None else "completed",
            "SequenceNumber": str(self._webhooks.sequence(group)),
            **(more or {}),
        }
        self._post(event, url, method, fields, group)

    def _target(self, record: CallRecord) -> tuple[str | None, str]:
        """Who hears of a call, and by which method; None: nobody."""
        if record.room is None:
            return None, ""
        options = record.room.options
        if options.status_callback is None:
            return self._default
        return options.status_callback, options.status_callback_method

    def _post(self, event: str, url: str, method: str, more: Mapping[str, str], group: str) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        fields = {
            "AccountSid": self._account_sid,
            "StatusCallbackEvent": event,
            "Timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **more,
        }
        try:
            request = signed_request(self._auth_token, url, method, fields, group=group)
        except InvalidArgumentError as error:
            _log.warning("%s of %s is not told: %s", event, group, error.message)
            return
        self._webhooks.post(request)


def _group(record: CallRecord) -> str:
    return f"RM{record.id}"
