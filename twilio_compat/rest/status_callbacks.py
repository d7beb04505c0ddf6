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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

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
from twilio_compat.rest.signatures import fields_of, signed_request

__all__ = ["CompositionNews", "HookNews", "RecordingNews", "StatusCallbacks"]

_log = logging.getLogger(__name__)

PERSON: Final = ("ParticipantSid", "ParticipantStatus", "ParticipantIdentity")
TRACK: Final = ("TrackSid", "TrackKind", "TrackName")
MOST_LOOKED_AT: Final = 10_000
"""Events of a room, the newest, among which is looked for who was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingNews:
    """What callbacks tell of a recording.

    Attributes:
        sid: `RT` and 32 hex digits.
        room: The call; it may be over.
        participant: Endpoint id of who is recorded.
        source: Publication id of what is recorded.
        track_name: As it was published.
        kind: `audio` or `video`.
        container: `mka` or `mkv`.
        codec: `OPUS`, `VP8` and so on.
        offset_ms: When it begins, in milliseconds on a clock that all recordings share.
        duration: Seconds; once it is completed.
        size: Bytes; likewise.
        failed_operation: `RecordingStart`, `RecordingComplete` or `RecordingUpload`, where it
            failed.
    """

    sid: str
    room: CallRecord
    participant: str
    source: str
    track_name: str
    kind: str
    container: str
    codec: str
    offset_ms: int
    duration: float | None = None
    size: int | None = None
    failed_operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNews:
    """What callbacks tell of a composition hook: its SID (`HK...`) and its name."""

    sid: str
    friendly_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionNews:
    """What callbacks tell of a composition.

    Attributes:
        sid: `CJ` and 32 hex digits; empty where a hook failed to make one.
        room_sid: `RM` and 32 hex digits.
        url: The status callback.
        method: GET or POST.
        hook: That made it, if one did.
        duration: Seconds; once it is available.
        size: Bytes; likewise.
        percentage: Done, 0 to 100; with progress.
        seconds_remaining: Likewise.
        failed_operation: Where it failed.
        error_message: Why.
    """

    sid: str
    room_sid: str
    url: str
    method: str = "POST"
    hook: HookNews | None = None
    duration: float | None = None
    size: int | None = None
    percentage: float | None = None
    seconds_remaining: float | None = None
    failed_operation: str = ""
    error_message: str = ""


class StatusCallbacks(ServicePart):
    """Tells what happens in rooms that have a status callback.

    Args:
        webhooks: Delivers it; started before this part.
        account_sid: The account that everything belongs to.
        auth_token: Signs; empty: nothing is signed.
        default_url: For rooms that have no status callback of their own.
        default_method: GET or POST.
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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._webhooks = webhooks
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._default = (default_url, default_method)
        self._clock = clock
        # By call and participant: the tracks that others were told of, by publication id.
        self._rooms: dict[str, dict[str, dict[str, PublicationInfo]]] = {}
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------ rooms

    def call_started(self, call: ServerCall) -> None:
        """`room-created`, or who is gone since the service was killed."""
        if call.is_probe or self._target(call.record)[0] is None:
            return
        self._rooms[call.id] = {}
        if not call.is_resumed:
            self._tell("room-created", call.record)
            return
        before = self._webhooks.sequence(_group(call.record))
        clearing = self._clear(call.record, before)
        task = asyncio.create_task(clearing, name=f"callbacks of {call.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
            "Duration": _whole(news.duration),
            "Size": str(news.size or 0),
        }
        self._tell_recording("recording-completed", news, fields)

    def recording_failed(self, news: RecordingNews) -> None:
        """`recording-failed`."""
        fields = {"FailedOperation": news.failed_operation or "RecordingComplete"}
        self._tell_recording("recording-failed", news, fields)

    def _tell_recording(self, event: str, news: RecordingNews, more: Mapping[str, str]) -> None:
        visit = news.room.visits.get(news.participant)
        source = f"MT{news.source}"
        fields = {
            "RecordingSid": news.sid,
            "RecordingUri": f"/v1/Recordings/{news.sid}",
            "ParticipantSid": f"PA{news.participant}",
            "ParticipantIdentity": "" if visit is None else visit.identity,
            "SourceSid": source,
            "TrackName": news.track_name or source,
            "Type": news.kind,
            "Container": news.container,
            "Codec": news.codec,
            "OffsetFromTwilioVideoEpoch": str(news.offset_ms),
        }
        self._tell(event, news.room, {**fields, **more})

    # ------------------------------------------------------------ compositions

    def composition_enqueued(self, news: CompositionNews) -> None:
        """`composition-enqueued`, of compositions that a hook makes only."""
        if news.hook is not None:
            self._tell_composition("composition-enqueued", news, _of_hook(news.hook))

    def composition_started(self, news: CompositionNews) -> None:
        """`composition-started`."""
        self._tell_composition("composition-started", news, {})

    def composition_progress(self, news: CompositionNews) -> None:
        """`composition-progress`; Twilio tells it about every ten percent."""
        fields = {
            "PercentageDone": _whole(news.percentage),
            "SecondsRemaining": _whole(news.seconds_remaining),
        }
        self._tell_composition("composition-progress", news, fields)

    def composition_available(self, news: CompositionNews) -> None:
        """`composition-available`: its media can be fetched."""
        fields = {
            "MediaUri": f"/v1/Compositions/{news.sid}/Media",
            "Duration": _whole(news.duration),
            "Size": str(news.size or 0),
        }
        self._tell_composition("composition-available", news, fields)

    def composition_failed(self, news: CompositionNews) -> None:
        """`composition-failed`."""
        self._tell_composition("composition-failed", news, _failure(news))

    def composition_hook_failed(self, news: CompositionNews) -> None:
        """`composition-hook-failed`: the hook could not make one."""
        hook = {} if news.hook is None else _of_hook(news.hook)
        self._tell_composition("composition-hook-failed", news, {**hook, **_failure(news)})

    def _tell_composition(self, event: str, news: CompositionNews, more: Mapping[str, str]) -> None:
        fields = {"RoomSid": news.room_sid, **more}
        if news.sid:
            fields["CompositionSid"] = news.sid
            fields["CompositionUri"] = f"/v1/Compositions/{news.sid}"
        group = news.sid or f"hook {news.room_sid}"
        self._post(event, news.url, news.method, fields, group)

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


def _of_hook(hook: HookNews) -> dict[str, str]:
    return {
        "HookSid": hook.sid,
        "HookUri": f"/v1/CompositionHooks/{hook.sid}",
        "HookFriendlyName": hook.friendly_name,
    }


def _failure(news: CompositionNews) -> dict[str, str]:
    return {"FailedOperation": news.failed_operation, "ErrorMessage": news.error_message}


def _whole(number: float | None) -> str:
    return str(round(number or 0.0))
