"""ACS's events about calls, as Event Grid posts them to an endpoint.

Before anything else the endpoint is asked to prove that it wants events, as Event Grid asks:
it answers the `SubscriptionValidationEvent` with its code. Here the operator has named the
endpoint, so the others are sent whatever it answers; `twilio-compat webhooks list` shows how the
question was answered.

As with ACS there are no events about telephones, and none about meetings.

Source: Azure Event Grid, "Event Grid event schema", "Endpoint validation with Event Grid event
schema" and "Azure Communication Services - Voice and video calling events" (data version 1.0).
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from acs_core.core.custom_context import CustomContext
from acs_core.core.facts import (
    CallType,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Fact,
    ParticipantRole,
)
from acs_core.errors import InvalidArgumentError
from acs_core.identifiers import (
    CommunicationUserIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    parse_raw_id,
)
from acs_core.service.parts import ServicePart
from acs_core.service.server_call import ServerCall
from acs_core.service.webhooks.delivery import Webhooks
from acs_core.service.webhooks.requests import WebhookRequest, json_request

__all__ = ["EventGrid", "RecordingFile", "identifier_json"]

TYPES: Final = "Microsoft.Communication."
VALIDATION: Final = "Microsoft.EventGrid.SubscriptionValidationEvent"
TOPIC: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/self-hosted"
    "/providers/Microsoft.Communication/CommunicationServices/"
)
TELEPHONE: Final = "4:"
EVENT_TYPE: Final = "aeg-event-type"
"""The header that each request of Event Grid has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFile:
    """One file of a recording that can be fetched.

    Attributes:
        content_url: Where its media is.
        metadata_url: Where its description is.
        delete_url: Where it can be deleted.
        end_reason: `SessionEnded`, or `ChunkMaximumSizeExceeded` and the like.
    """

    document_id: str
    content_url: str
    metadata_url: str
    delete_url: str
    end_reason: str = "SessionEnded"


@dataclass(slots=True)
class _Started:
    """What is remembered of a call that others were told of."""

    by: EndpointInfo
    people: dict[str, EndpointInfo]


class EventGrid(ServicePart):
    """Tells one endpoint what happens in all calls.

    Args:
        webhooks: Delivers it; started before this part.
        url: The endpoint.
        key: Sent as `aeg-sas-key`, which topics of Event Grid ask for; empty for none.
        resource_id: The communication resource, part of the topic's name.
        clock: Unix seconds.
        new_id: Makes ids of events.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        url: str,
        *,
        key: str = "",
        resource_id: str,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._webhooks = webhooks
        self._url = str(webhooks.check(url))
        self._headers = {"aeg-sas-key": key} if key else {}
        self._topic = TOPIC + resource_id
        self._clock = clock
        self._new_id = new_id
        self._calls: dict[str, _Started] = {}

    async def start(self) -> None:
        """Ask the endpoint whether it wants events."""
        code = self._new_id().upper()
        data = {"validationCode": code}
        self._send("SubscriptionValidation", VALIDATION, "", data, "event-grid", expected=code)

    # ------------------------------------------------------------ calls

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Tell who comes and goes; a call starts for others with the first in it."""
        if call.is_probe or call.type is CallType.MEETING:
            return
        if isinstance(fact, EndpointJoined):
            self._joined(call, fact.endpoint)
        elif isinstance(fact, EndpointLeft):
            self._left(call, fact.endpoint)

    def call_ended(self, call: ServerCall) -> None:
        """Tell that it is over, if it was told that it has begun."""
        started = self._calls.pop(call.id, None)
        if started is not None:
            ended = call.record.ended_at or self._clock()
            data = {"durationOfCall": ended - call.record.started_at, **_about(call, started.by)}
            self._tell(call, "CallEnded", f"call/{call.id}", data)

    def _joined(self, call: ServerCall, who: EndpointInfo) -> None:
        # Somebody who came and was gone before the others were told is not there any more.
        if who.identity.startswith(TELEPHONE) or who.id not in call.endpoints:
            return
        if call.id not in self._calls:
            self._calls[call.id] = _Started(who, {})
            subject = f"call/{call.id}/startedBy/{who.identity}"
            self._tell(call, "CallStarted", subject, _about(call, who))
        self._calls[call.id].people[who.id] = who
        self._tell_of(call, "CallParticipantAdded", who)

    def _left(self, call: ServerCall, endpoint_id: str) -> None:
        started = self._calls.get(call.id)
        who = None if started is None else started.people.pop(endpoint_id, None)
        if who is not None:
            self._tell_of(call, "CallParticipantRemoved", who)

    def _tell_of(self, call: ServerCall, event: str, who: EndpointInfo) -> None:
        data = {
            "user": _person(who),
            "displayName": who.name,
            "participantId": _guid(who.id),
            "endpointType": "",
            **_about(call, self._calls[call.id].by),
        }
        self._tell(call, event, f"call/{call.id}/participant/{who.identity}", data)

    async def rename(self, call_id: str, endpoint_id: str, name: str) -> None:
        """Call somebody otherwise in what was told of them, and is remembered or waits.

        Args:
            call_id: Of the call in which they are or were.
            endpoint_id: Who.
            name: The display name from now on.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        people = {} if call_id not in self._calls else self._calls[call_id].people
        if endpoint_id in people:
            people[endpoint_id] = replace(people[endpoint_id], name=name)
        participant = _guid(endpoint_id)

        def change(request: WebhookRequest) -> WebhookRequest:
            if EVENT_TYPE not in request.headers:
                return request  # A replay of somebody else's.
            events = json.loads(request.body)
            for event in events:
                if event["data"].get("participantId") == participant:
                    event["data"]["displayName"] = name
            return dataclasses.replace(request, body=json.dumps(events))

        await self._webhooks.rewrite(_group(call_id), participant, change)

    # ------------------------------------------------------------ what others report

    def incoming_call(
        self,
        call: ServerCall,
        *,
        caller: str,
        callee: str,
        context: str,
        caller_name: str = "",
        custom: CustomContext | None = None,
    ) -> None:
        """Somebody is called.

        Args:
            call: Into which call.
            caller: Raw id.
            callee: Raw id.
            context: With which the call can be answered, redirected or rejected.
            caller_name: Display name.
            custom: What the caller sends along.
        """
        custom = custom or CustomContext()
        sip = {header.key: header.value for header in custom.sip_headers}
        if custom.user_to_user:
            sip["User-To-User"] = custom.user_to_user
        data = {
            "to": identifier_json(callee),
            "from": identifier_json(caller),
            "serverCallId": call.id,
            "callerDisplayName": caller_name,
            "customContext": {
                "sipHeaders": sip,
                "voipHeaders": {header.key: header.value for header in custom.voip_headers},
            },
            "incomingCallContext": context,
            "correlationId": _guid(call.id),
        }
        self._tell(call, "IncomingCall", f"/caller/{caller}/recipient/{callee}", data)

    def recording_available(
        self,
        call_id: str,
        recording_id: str,
        files: tuple[RecordingFile, ...],
        *,
        started_at: float,
        duration: float,
        content: str = "audioVideo",
        channels: str = "mixed",
        format_: str = "mp4",
        reason: str = "CallEnded",
    ) -> None:
        """The files of a recording can be fetched.

        Args:
            call_id: Of which call; it may be over.
            recording_id: Of which recording.
            files: In order.
            started_at: Unix seconds.
            duration: Seconds.
            content: `audio` or `audioVideo`.
            channels: `mixed` or `unmixed`.
            format_: `mp4`, `mp3` or `wav`.
            reason: Why it ended: `CallEnded`, `SessionEnded` or the like.
        """
        chunks = [
            {
                "documentId": file.document_id,
                "index": index,
                "endReason": file.end_reason,
                "contentLocation": file.content_url,
                "metadataLocation": file.metadata_url,
                "deleteLocation": file.delete_url,
            }
            for index, file in enumerate(files)
        ]
        data = {
            "recordingStorageInfo": {"recordingChunks": chunks},
            "recordingStartTime": _date(started_at),
            "recordingDurationMs": round(duration * 1000),
            "recordingContentType": content,
            "recordingChannelType": channels,
            "recordingFormatType": format_,
            "sessionEndReason": reason,
        }
        subject = f"/recording/call/{call_id}/serverCallId/{call_id}/recordingId/{recording_id}"
        event = "RecordingFileStatusUpdated"
        self._send("Notification", TYPES + event, subject, data, _group(call_id))

    # ------------------------------------------------------------ sending

    def _tell(self, call: ServerCall, event: str, subject: str, data: Mapping[str, Any]) -> None:
        self._send("Notification", TYPES + event, subject, data, _group(call.id))

    def _send(
        self,
        kind: str,
        event: str,
        subject: str,
        data: Mapping[str, Any],
        group: str,
        *,
        expected: str = "",
    ) -> None:
        payload = {
            "id": self._new_id(),
            "topic": self._topic,
            "subject": subject,
            "data": data,
            "eventType": event,
            "dataVersion": "2" if event == VALIDATION else "1.0",
            "metadataVersion": "1",
            "eventTime": _date(self._clock()),
        }
        headers = {EVENT_TYPE: kind, **self._headers}
        self._webhooks.post(
            json_request(
                self._url,
                [payload],
                event=event,
                group=group,
                headers=headers,
                expected=expected,
            )
        )


def identifier_json(raw_id: str) -> dict[str, Any]:
    """Somebody as ACS's REST interfaces write them.

    Args:
        raw_id: Of a user, a telephone or anybody else.
    """
    answer: dict[str, Any] = {"rawId": raw_id, "kind": "unknown"}
    try:
        who = parse_raw_id(raw_id)
    except InvalidArgumentError:
        return answer
    match who:
        case CommunicationUserIdentifier():
            answer |= {"kind": "communicationUser", "communicationUser": {"id": raw_id}}
        case PhoneNumberIdentifier(phone_number=number):
            answer |= {"kind": "phoneNumber", "phoneNumber": {"value": number}}
        case MicrosoftTeamsUserIdentifier() as user:
            details = {
                "userId": user.microsoft_teams_user_id,
                "isAnonymous": user.is_anonymous,
                "cloud": user.cloud.value,
            }
            answer |= {"kind": "microsoftTeamsUser", "microsoftTeamsUser": details}
        case _:
            pass
    return answer


def _person(who: EndpointInfo) -> dict[str, Any]:
    role = who.attributes.role
    known = {} if role is ParticipantRole.UNKNOWN else {"role": str(role)}
    return identifier_json(who.identity) | known


def _about(call: ServerCall, by: EndpointInfo) -> dict[str, Any]:
    """What all events about a call say."""
    place: dict[str, Any] = {}
    if call.group_id:
        place["group"] = {"id": call.group_id}
    if call.room is not None:
        place["room"] = {"id": call.room.id}
    return {
        "startedBy": _person(by),
        "serverCallId": call.id,
        **place,
        "isTwoParty": call.type is CallType.ONE_TO_ONE,
        "correlationId": _guid(call.id),
        "isRoomsCall": call.room is not None,
    }


def _guid(text: str) -> str:
    """An id as GUIDs are written; clients choose some of them."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


def _group(call_id: str) -> str:
    return f"event-grid {call_id}"


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
