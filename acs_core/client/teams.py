"""Calls of Teams users: the agent, the calls and what rings, on the common base.

Teams users call Teams users, telephones and Teams apps, and their group calls have a chat. Their
telephones show a number of their own, so none is given.

Source: `TeamsCallAgent`, `TeamsCall` and `TeamsIncomingCall` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.agent_common import CallAgentCommon
from acs_core.client.call import CallCommon
from acs_core.client.call_info import CallInfoCommon, TeamsCallInfo
from acs_core.client.dialing import callees_of, check_teams_callees, dial_locator
from acs_core.client.incoming_call import IncomingCallCommon
from acs_core.client.options import (
    JoinCallOptions,
    StartTeamsCallOptions,
    StartTeamsGroupCallOptions,
)
from acs_core.client.participants import RemoteParticipant
from acs_core.client.setup import CallSetup, wire_locator
from acs_core.errors import InvalidArgumentError, ServiceError, Stage
from acs_core.identifiers import (
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    identifier_from,
)
from acs_core.models import (
    AddTeamsParticipantOptions,
    CallAgentKind,
    CallKind,
    GroupLocator,
    IncomingCallKind,
    TeamsMeetingIdLocator,
    TeamsMeetingLinkLocator,
    group_locator,
)

__all__ = ["TeamsCall", "TeamsCallAgent", "TeamsIncomingCall"]

_NO_MEETING: Final = 40209
_TEAMS_TOKEN_ONLY: Final = 40231
_UNSUPPORTED_TARGET: Final = 40236
_NO_THREAD: Final = 41055


class TeamsCall(CallCommon):
    """A call of a Teams user; made by `TeamsCallAgent` and `TeamsIncomingCall`."""

    KIND: ClassVar[CallKind] = CallKind.TEAMS_CALL
    INFO: ClassVar[type[CallInfoCommon]] = TeamsCallInfo

    @property
    def info(self) -> TeamsCallInfo:
        """The call's ids."""
        assert isinstance(self._info, TeamsCallInfo)
        return self._info

    def add_participant(
        self,
        participant: CommunicationIdentifier,
        options: AddTeamsParticipantOptions | None = None,
    ) -> RemoteParticipant:
        """Call somebody into the call; returns at once, the participant's events tell more.

        Args:
            participant: A Teams user, a Teams app or a telephone.
            options: The chat of the call, when it becomes a group call.

        Raises:
            InvalidArgumentError: 400/40236: an ACS user; 400/41055: the call between two has no
                chat yet, and none is given; 400/41052 and 400/41053: as `Call.add_participant`.
            InvalidStateError: 412/41089: the call is not connected.
        """
        target = identifier_from(participant)
        if isinstance(target, CommunicationUserIdentifier):
            raise InvalidArgumentError(
                "A Teams user cannot call an ACS user.", sub_code=_UNSUPPORTED_TARGET
            )
        thread_id = "" if options is None else options.thread_id
        needs_thread = self._people.is_one_to_one and not isinstance(target, PhoneNumberIdentifier)
        if needs_thread and not (thread_id or self._info.thread_id):
            raise InvalidArgumentError(
                "A call between two becomes a group call with a thread id.",
                sub_code=_NO_THREAD,
                next_step="Give thread_id: the chat that the participants share.",
            )
        added = self._people.add(target, needs_number=False, thread_id=thread_id)
        if thread_id:
            self._info.set_thread(thread_id)
        return added


class TeamsIncomingCall(IncomingCallCommon[TeamsCall]):
    """A call for a Teams user."""

    KIND: ClassVar[IncomingCallKind] = IncomingCallKind.TEAMS_INCOMING_CALL
    INFO: ClassVar[type[CallInfoCommon]] = TeamsCallInfo

    @property
    def info(self) -> TeamsCallInfo:
        """The ids of the call."""
        assert isinstance(self._info, TeamsCallInfo)
        return self._info


class TeamsCallAgent(CallAgentCommon[TeamsCall]):
    """Makes and takes calls; made by `CallClient.create_teams_call_agent`."""

    KIND: ClassVar[CallAgentKind] = CallAgentKind.TEAMS_CALL_AGENT

    def join(self, locator: GroupLocator, options: JoinCallOptions | None = None) -> TeamsCall:
        """Join a meeting; returns at once, events and `TeamsCall.connected` tell more.

        Args:
            locator: `TeamsMeetingLinkLocator` or `TeamsMeetingIdLocator`, or a mapping with their
                fields.
            options: What to send and receive; by default the microphone, if there is one.

        Raises:
            InvalidArgumentError: 400/40209: no locator, or that of a group or a room, which Teams
                users cannot join; 400/40210: no meeting link; other codes for options that break
                a limit.
            InvalidStateError: 409/40203: the agent is disposed.
        """
        place = group_locator(locator)
        if not isinstance(place, TeamsMeetingLinkLocator | TeamsMeetingIdLocator):
            raise InvalidArgumentError(
                "A Teams user joins meetings only.",
                sub_code=_NO_MEETING,
                next_step="Use TeamsMeetingLinkLocator or TeamsMeetingIdLocator.",
            )
        return self._open(wire_locator(place), options or JoinCallOptions())

    def start_call(
        self,
        participants: CommunicationIdentifier | Sequence[CommunicationIdentifier],
        options: StartTeamsCallOptions | None = None,
    ) -> TeamsCall:
        """Call somebody; returns at once, the call is `Connected` when the first one answers.

        Args:
            participants: A Teams user, a Teams app, a telephone, or a list of those.
            options: What to send and receive; for several, `StartTeamsGroupCallOptions` with the
                chat of the call.

        Raises:
            InvalidArgumentError: 400/40226: no identifiers; 400/40227: nobody, or None; 400/40202:
                ourselves; 400/40236: an ACS user; 400/40212: several and no thread id; 400/40213:
                one and a thread id; other codes for options that break a limit.
            InvalidStateError: 409/40203: the agent is disposed; 412/46400: a custom context in a
                call to several.
        """
        chosen = options or StartTeamsCallOptions()
        listed = (
            [participants] if isinstance(participants, CommunicationIdentifier) else participants
        )
        callees = callees_of(listed, self._identifier)
        thread_id = chosen.thread_id if isinstance(chosen, StartTeamsGroupCallOptions) else ""
        check_teams_callees(callees, thread_id)
        locator = dial_locator(
            callees,
            needs_number=False,
            thread_id=thread_id,
            custom_context=chosen.custom_context,
        )
        return self._open(locator, chosen, callees=callees, thread_id=thread_id)

    def _check_identity(self, identifier: CommunicationIdentifier | None) -> None:
        if not isinstance(identifier, MicrosoftTeamsUserIdentifier):
            raise ServiceError(
                "This is not the token of a Teams user.",
                sub_code=_TEAMS_TOKEN_ONLY,
                stage=Stage.TOKEN,
                next_step="Use create_call_agent for users of the communication resource.",
            )

    def _new_call(self, setup: CallSetup) -> TeamsCall:
        return TeamsCall(setup)

    def _new_incoming(self, invited: wire.Invited) -> TeamsIncomingCall:
        return TeamsIncomingCall(invited, self._owner, self._accept, self._reply)
