"""The REST interface of Call Automation: parse, call, serialize.

Not served: recognition of speech and tones, and media streaming (405/8520): the service decodes no
media. Participants are not moved between calls (405/8520): clients know no such request.

Source: the operations of azure-communication-callautomation 1.6.0, api-version 2026-03-12.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from acs_core.core import endings
from acs_core.errors import CallingError, InvalidArgumentError
from acs_core.identifiers import parse_raw_id
from acs_core.service.automation import bodies
from acs_core.service.automation.actions import Actions
from acs_core.service.automation.connections import (
    Connection,
    Connections,
    participant_json,
    participants_json,
)
from acs_core.service.automation.dialing import Dialing, locate
from acs_core.service.automation.events import EventOutlet
from acs_core.service.automation.incoming import IncomingCalls
from acs_core.service.automation.playing import Playing
from acs_core.service.automation.recordings import CallRecordings
from acs_core.service.automation.refusals import invalid, not_found, not_supported, refusal_of
from acs_core.service.automation.transcribing import Transcribing
from acs_core.service.calls import Calls
from acs_core.service.rest import AzureAnswer, AzureRequest, AzureRoute

__all__ = ["API_VERSIONS", "CallAutomationResource"]

API_VERSIONS: Final = (
    "2023-03-06",
    "2023-10-15",
    "2024-04-15",
    "2024-09-15",
    "2025-05-15",
    "2025-06-15",
    "2026-03-12",
)
_CALLS: Final = "/calling/callConnections"
# An action follows the id after a colon.
_ONE: Final = _CALLS + "/{connection:[^/:]+}"
_RECORDINGS: Final = "/calling/recordings"
_RECORDING: Final = _RECORDINGS + "/{recording:[^/:]+}"
_UNSERVED: Final = (
    "recognize",
    "startContinuousDtmfRecognition",
    "stopContinuousDtmfRecognition",
    "startMediaStreaming",
    "stopMediaStreaming",
)

_Wanted = TypeVar("_Wanted", bound=bodies.Body)
_Handler = Callable[[AzureRequest], Awaitable[AzureAnswer]]


class CallAutomationResource:
    """Call connections and recordings of calls.

    Args:
        calls: The live calls.
        connections: What programs have.
        dialing: Makes connections.
        incoming: Calls that ring.
        actions: What is done in calls.
        transcribing: Transcription of calls.
        recordings: Recordings of calls.
        playing: What is to be heard in calls.
        outlet: Knows where events may be posted.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        connections: Connections,
        dialing: Dialing,
        incoming: IncomingCalls,
        actions: Actions,
        transcribing: Transcribing,
        recordings: CallRecordings,
        playing: Playing,
        outlet: EventOutlet,
    ) -> None:
        self._calls = calls
        self._connections = connections
        self._dialing = dialing
        self._incoming = incoming
        self._actions = actions
        self._transcribing = transcribing
        self._recordings = recordings
        self._playing = playing
        self._outlet = outlet

    def routes(self) -> list[AzureRoute]:
        """What is served."""
        table: tuple[tuple[str, str, _Handler], ...] = (
            ("POST", _CALLS, self._create),
            ("POST", f"{_CALLS}:answer", self._answer),
            ("POST", f"{_CALLS}:redirect", self._redirect),
            ("POST", f"{_CALLS}:reject", self._reject),
            ("POST", f"{_CALLS}:connect", self._connect),
            ("GET", _ONE, self._get),
            ("DELETE", _ONE, self._hang_up),
            ("POST", f"{_ONE}:terminate", self._terminate),
            ("POST", f"{_ONE}:transferToParticipant", self._transfer),
            ("GET", f"{_ONE}/participants", self._participants),
            ("GET", f"{_ONE}/participants/{{who}}", self._participant),
            ("POST", f"{_ONE}/participants:add", self._add),
            ("POST", f"{_ONE}/participants:remove", self._remove),
            ("POST", f"{_ONE}/participants:mute", self._mute),
            ("POST", f"{_ONE}/participants:cancelAddParticipant", self._cancel),
            ("POST", f"{_ONE}/participants:moveHere", self._unserved),
            ("POST", f"{_ONE}:play", self._play),
            ("POST", f"{_ONE}:cancelAllMediaOperations", self._cancel_media),
            ("POST", f"{_ONE}:hold", self._hold),
            ("POST", f"{_ONE}:unhold", self._unhold),
            ("POST", f"{_ONE}:sendDtmfTones", self._send_tones),
            ("POST", f"{_ONE}:startTranscription", self._start_transcription),
            ("POST", f"{_ONE}:updateTranscription", self._update_transcription),
            ("POST", f"{_ONE}:stopTranscription", self._stop_transcription),
            *(("POST", f"{_ONE}:{action}", self._unserved) for action in _UNSERVED),
            ("POST", _RECORDINGS, self._start_recording),
            ("GET", _RECORDING, self._get_recording),
            ("DELETE", _RECORDING, self._stop_recording),
            ("POST", f"{_RECORDING}:pause", self._pause_recording),
            ("POST", f"{_RECORDING}:resume", self._resume_recording),
        )
        return [
            AzureRoute(method, path, _refusing(handler), API_VERSIONS)
            for method, path, handler in table
        ]

    # ------------------------------------------------------------ connections

    async def _create(self, request: AzureRequest) -> AzureAnswer:
        created = self._dialing.create(self._decoded(request, bodies.CreateCall))
        return AzureAnswer(201, created.as_json())

    async def _answer(self, request: AzureRequest) -> AzureAnswer:
        answered = self._dialing.answer(self._decoded(request, bodies.AnswerCall))
        return AzureAnswer(200, answered.as_json())

    async def _connect(self, request: AzureRequest) -> AzureAnswer:
        connected = self._dialing.connect(self._decoded(request, bodies.Connect))
        return AzureAnswer(200, connected.as_json())

    async def _redirect(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.RedirectCall)
        self._incoming.redirect(wanted.incoming_call_context, wanted.target.who())
        return AzureAnswer(204)

    async def _reject(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.RejectCall)
        self._incoming.reject(wanted.incoming_call_context, wanted.call_reject_reason or "none")
        return AzureAnswer(204)

    async def _get(self, request: AzureRequest) -> AzureAnswer:
        return AzureAnswer(200, self._found(request).as_json())

    async def _hang_up(self, request: AzureRequest) -> AzureAnswer:
        self._connections.end(self._found(request))
        return AzureAnswer(204)

    async def _terminate(self, request: AzureRequest) -> AzureAnswer:
        self._found(request).call.end(endings.ENDED_FOR_EVERYONE)
        return AzureAnswer(204)

    async def _transfer(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.Transfer)
        return AzureAnswer(202, self._actions.transfer(self._found(request), wanted))

    # ------------------------------------------------------------ participants

    async def _participants(self, request: AzureRequest) -> AzureAnswer:
        return AzureAnswer(200, {"value": participants_json(self._found(request).call)})

    async def _participant(self, request: AzureRequest) -> AzureAnswer:
        call = self._found(request).call
        try:
            who = parse_raw_id(request.path["who"]).raw_id
        except InvalidArgumentError as error:
            raise invalid(error.message) from error
        present = [item for item in call.endpoints.values() if item.principal.raw_id == who]
        if not present:
            raise not_found("There is no such participant in the call.")
        return AzureAnswer(200, participant_json(who, present))

    async def _add(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.AddParticipant)
        return AzureAnswer(202, self._actions.add(self._found(request), wanted))

    async def _remove(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.RemoveParticipant)
        return AzureAnswer(202, self._actions.remove(self._found(request), wanted))

    async def _mute(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.MuteParticipants)
        return AzureAnswer(200, self._actions.mute(self._found(request), wanted))

    async def _cancel(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.CancelAddParticipant)
        return AzureAnswer(202, self._actions.cancel(self._found(request), wanted))

    # ------------------------------------------------------------ media

    async def _play(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.Play)
        self._playing.play(self._found(request), wanted)
        return AzureAnswer(202)

    async def _cancel_media(self, request: AzureRequest) -> AzureAnswer:
        self._playing.cancel(self._found(request))
        return AzureAnswer(202)

    async def _hold(self, request: AzureRequest) -> AzureAnswer:
        return self._set_hold(request, is_on_hold=True)

    async def _unhold(self, request: AzureRequest) -> AzureAnswer:
        return self._set_hold(request, is_on_hold=False)

    def _set_hold(self, request: AzureRequest, *, is_on_hold: bool) -> AzureAnswer:
        wanted = self._decoded(request, bodies.SetHold)
        self._actions.hold(self._found(request), wanted, is_on_hold=is_on_hold)
        return AzureAnswer(200)

    async def _send_tones(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.SendTones)
        return AzureAnswer(202, self._actions.send_tones(self._found(request), wanted))

    async def _start_transcription(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.Transcribe)
        self._transcribing.start(self._found(request), wanted)
        return AzureAnswer(202)

    async def _update_transcription(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.Transcribe)
        self._transcribing.update(self._found(request), wanted)
        return AzureAnswer(202)

    async def _stop_transcription(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.Transcribe)
        self._transcribing.stop(self._found(request), wanted)
        return AzureAnswer(202)

    async def _unserved(self, request: AzureRequest) -> AzureAnswer:
        self._found(request)
        raise not_supported("The service does not do this.")

    # ------------------------------------------------------------ recordings

    async def _start_recording(self, request: AzureRequest) -> AzureAnswer:
        wanted = self._decoded(request, bodies.StartRecording)
        if wanted.call_connection_id:
            call = self._connections.find(wanted.call_connection_id).call
        elif wanted.call_locator is not None:
            call = locate(self._calls, wanted.call_locator)
        else:
            raise invalid("A recording needs a callLocator or a callConnectionId.")
        return AzureAnswer(200, self._recordings.start(call, wanted).as_json())

    async def _get_recording(self, request: AzureRequest) -> AzureAnswer:
        return AzureAnswer(200, self._recordings.find(request.path["recording"]).as_json())

    async def _stop_recording(self, request: AzureRequest) -> AzureAnswer:
        self._recordings.stop(request.path["recording"])
        return AzureAnswer(204)

    async def _pause_recording(self, request: AzureRequest) -> AzureAnswer:
        self._recordings.pause(request.path["recording"])
        return AzureAnswer(202)

    async def _resume_recording(self, request: AzureRequest) -> AzureAnswer:
        self._recordings.resume(request.path["recording"])
        return AzureAnswer(202)

    def _decoded(self, request: AzureRequest, type_: type[_Wanted]) -> _Wanted:
        """The body; its callbacks are where events may be posted."""
        wanted = bodies.decode(request.body, type_)
        for url in bodies.callbacks_of(wanted):
            self._outlet.check(url)
        return wanted

    def _found(self, request: AzureRequest) -> Connection:
        return self._connections.find(request.path["connection"])


def _refusing(handler: _Handler) -> _Handler:
    """Answer refusals with ACS's sub code as the code of the error."""

    async def answer(request: AzureRequest) -> AzureAnswer:
        try:
            return await handler(request)
        except CallingError as error:
            refused = refusal_of(error)
            code = str(refused.sub_code or refused.code)
            body = {"error": {"code": code, "message": str(refused.message)}}
            return AzureAnswer(refused.code, body, {"x-ms-error-code": code})

    return answer
