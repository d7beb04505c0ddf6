"""How programs get hold of calls: they call people, answer, or connect to a call that goes on."""

from __future__ import annotations

import uuid
from typing import Final

from acs_core import wire
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.identifiers import parse_raw_id
from acs_core.service.automation.bodies import (
    AnswerCall,
    CallLocator,
    Connect,
    CreateCall,
    callback,
)
from acs_core.service.automation.connections import AppEnd, Connection, Connections, Origin
from acs_core.service.automation.incoming import IncomingCalls, app_principal
from acs_core.service.automation.refusals import invalid, not_found, not_supported
from acs_core.service.automation.transcribing import Transcribing
from acs_core.service.calls import Calls
from acs_core.service.server_call import ServerCall

__all__ = ["Dialing", "locate", "program_id"]

SOURCE_INVALID: Final = 7507
_PROGRAMS: Final = uuid.UUID("1c0e9f0a-6a0b-4c56-9d0f-5d3a3c0f7b11")
"""Namespace of the ids of programs: no Twilio identity can have one of these."""


class Dialing:
    """Makes connections.

    Args:
        calls: The live calls.
        connections: Knows what is made.
        incoming: Calls that can be answered.
        transcribing: Knows whether calls can be transcribed.
        resource_id: Of the service.
    """

    def __init__(
        self,
        calls: Calls,
        connections: Connections,
        incoming: IncomingCalls,
        transcribing: Transcribing,
        *,
        resource_id: str,
    ) -> None:
        self._calls = calls
        self._connections = connections
        self._incoming = incoming
        self._transcribing = transcribing
        self._resource_id = resource_id

    def create(self, wanted: CreateCall) -> Connection:
        """Call people; the connection is connected when the first of them answers.

        Raises:
            CallingError: 400/8523 and others for people who cannot be called, 403/7507 for a
                source that is no user of this service, 405/8520 for media streaming.
        """
        self._check_options(wanted)
        number = wanted.source_caller_id_number
        connection_source = self._source(wanted)
        connection_id = uuid.uuid4().hex
        targets = tuple(dict.fromkeys(target.who() for target in wanted.targets))
        callback_uri = _required_callback(wanted.callback_uri)
        principal = app_principal(connection_source)
        locator = wire.DialLocator(
            callees=targets, alternate_caller_id="" if number is None else number.value
        )
        end = AppEnd(self._connections)
        call = self._calls.resolve(locator, principal)
        try:
            name = wanted.source_display_name or ""
            endpoint = call.join(connection_id, principal, end, name=name)
        except BaseException:
            self._calls.discard_if_empty(call)
            raise
        end.connection = Connection(
            call=call,
            origin=Origin.CREATED,
            callback_uri=callback_uri,
            source=connection_source,
            source_name=name,
            caller_id=locator.alternate_caller_id,
            targets=targets,
            operation_context=wanted.operation_context,
            transcription=wanted.transcription_options,
            endpoint=endpoint,
            id=connection_id,
        )
        self._connections.add(end.connection)
        return end.connection

    def answer(self, wanted: AnswerCall) -> Connection:
        """Answer a call for the user who is called.

        Raises:
            CallingError: 404/8522 when it does not ring, 405/8520 for media streaming.
        """
        self._check_options(wanted)
        callback_uri = _required_callback(wanted.callback_uri)
        ring, principal = self._incoming.take(wanted.incoming_call_context)
        end = AppEnd(self._connections)
        caller, targets = ring.caller, (ring.callee,)
        endpoint = ring.call.join(wanted.incoming_call_context, principal, end)
        self._incoming.forget(wanted.incoming_call_context)
        end.connection = Connection(
            call=ring.call,
            origin=Origin.ANSWERED,
            callback_uri=callback_uri,
            source=caller,
            targets=targets,
            answered_by=principal.raw_id,
            operation_context=wanted.operation_context,
            transcription=wanted.transcription_options,
            endpoint=endpoint,
        )
        self._connections.add(end.connection)
        return end.connection

    def connect(self, wanted: Connect) -> Connection:
        """Take hold of a call that goes on; nobody in it notices.

        Raises:
            CallingError: 404/8522 when there is no such call, 405/8520 for media streaming.
        """
        self._check_options(wanted)
        callback_uri = _required_callback(wanted.callback_uri)
        connection = Connection(
            call=locate(self._calls, wanted.call_locator),
            origin=Origin.CONNECTED,
            callback_uri=callback_uri,
            source=program_id(self._resource_id),
            operation_context=wanted.operation_context,
            transcription=wanted.transcription_options,
        )
        self._connections.add(connection)
        return connection

    def _check_options(self, wanted: CreateCall | AnswerCall | Connect) -> None:
        self._transcribing.check(wanted.transcription_options)
        if wanted.media_streaming_options is not None:
            raise not_supported(
                "Media is not streamed to WebSockets.",
                next_step="Join the call with acs_core, and read its streams.",
            )

    def _source(self, wanted: CreateCall) -> str:
        if wanted.source is None:
            return program_id(self._resource_id)
        try:
            source = parse_raw_id(wanted.source.id).raw_id
        except InvalidArgumentError:
            source = ""
        if not source.startswith(f"8:acs:{self._resource_id}_"):
            raise ServiceError(
                "The source of a call must be a user of this resource.",
                sub_code=SOURCE_INVALID,
                stage=Stage.ARGUMENT,
                next_step="Create a user, or give no source.",
            )
        return source


def program_id(resource_id: str) -> str:
    """The raw id of programs that do not say as whom they act."""
    return f"8:acs:{resource_id}_{uuid.uuid5(_PROGRAMS, resource_id)}"


def locate(calls: Calls, locator: CallLocator) -> ServerCall:
    """The live call that a locator means.

    Raises:
        InvalidArgumentError: 400/8523: not exactly one id is given, or it is none.
        ServiceError: 404/8522: there is no such call, or it does not go on.
    """
    ids = (locator.server_call_id, locator.group_call_id, locator.room_id)
    if sum(bool(item) for item in ids) != 1:
        raise invalid("A call locator has one of serverCallId, groupCallId and roomId.")
    if locator.server_call_id:
        call = calls.live.get(locator.server_call_id)
    elif locator.group_call_id:
        call = calls.find_group(locator.group_call_id)
    else:
        call = calls.find_room(locator.room_id or "")
    if call is None or call.is_probe:
        raise not_found("There is no such call, or nobody is in it.")
    return call


def _required_callback(uri: str) -> str:
    checked = callback(uri)
    if not checked:
        raise invalid("The field CallbackUri is invalid.", next_step="Give an absolute URL.")
    return checked
