"""Starts, receives and joins calls on behalf of an ACS user.

Source: `CallAgent` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.agent_common import CallAgentCommon
from acs_core.client.call import Call
from acs_core.client.dialing import callees_of, check_thread, dial_locator
from acs_core.client.incoming_call import IncomingCall
from acs_core.client.options import JoinCallOptions, StartCallOptions
from acs_core.client.people import caller_number
from acs_core.client.setup import CallSetup, wire_locator
from acs_core.errors import ServiceError, Stage
from acs_core.identifiers import CommunicationIdentifier, MicrosoftTeamsUserIdentifier
from acs_core.models import CallAgentKind, GroupLocator, group_locator

__all__ = ["CallAgent"]

_ACS_TOKEN_ONLY: Final = 40229


class CallAgent(CallAgentCommon[Call]):
    """Makes and takes calls; made by `CallClient.create_call_agent`."""

    KIND: ClassVar[CallAgentKind] = CallAgentKind.CALL_AGENT

    def join(self, locator: GroupLocator, options: JoinCallOptions | None = None) -> Call:
        """Join a group call, a room or a meeting; returns at once.

        Events and `Call.connected` tell more.

        Args:
            locator: `GroupCallLocator` or {"groupId": ...}, `RoomCallLocator` or {"roomId": ...},
                `TeamsMeetingLinkLocator` or `TeamsMeetingIdLocator`.
            options: What to send and receive; by default the microphone, if there is one.

        Raises:
            InvalidArgumentError: 400/40209: no locator, or a group id that is no GUID; 400/40210:
                no meeting link; other codes for options that break a limit.
            InvalidStateError: 409/40203: the agent is disposed.
        """
        return self._open(wire_locator(group_locator(locator)), options or JoinCallOptions())

    def start_call(
        self,
        participants: Sequence[CommunicationIdentifier],
        options: StartCallOptions | None = None,
    ) -> Call:
        """Call somebody; returns at once, the call is `Connected` when the first one answers.

        All clients of all participants ring. With one participant the call ends when either side
        leaves.

        Args:
            participants: Users and telephones, at least one; those named twice are called once.
            options: What to send and receive, and the number that telephones see.

        Raises:
            InvalidArgumentError: 400/40226: no list of identifiers; 400/40227: nobody, or None;
                400/40202: ourselves; 400/40213: a thread id in a call to one; 400/40212: no thread
                id in a group call with Teams users; 400: a telephone without an alternate caller
                id, or a custom context that breaks a limit; other codes for options that break
                one.
            InvalidStateError: 409/40203: the agent is disposed; 412/46400: a custom context in a
                call to several.
        """
        chosen = options or StartCallOptions()
        callees = callees_of(participants, self._identifier)
        check_thread(callees, chosen.thread_id)
        number = caller_number(chosen.alternate_caller_id)
        return self._open(
            dial_locator(
                callees, number, thread_id=chosen.thread_id, custom_context=chosen.custom_context
            ),
            chosen,
            callees=callees,
            thread_id=chosen.thread_id,
        )

    def _check_identity(self, identifier: CommunicationIdentifier | None) -> None:
        if isinstance(identifier, MicrosoftTeamsUserIdentifier):
            raise ServiceError(
                "This is the token of a Teams user.",
                sub_code=_ACS_TOKEN_ONLY,
                stage=Stage.TOKEN,
                next_step="Use create_teams_call_agent for Teams users.",
            )

    def _new_call(self, setup: CallSetup) -> Call:
        return Call(setup)

    def _new_incoming(self, invited: wire.Invited) -> IncomingCall:
        return IncomingCall(invited, self._owner, self._accept, self._reply)
