"""Telephones: what a gateway to the telephone network must do, and what it is told.

The service has no gateway of its own. One is handed to `CallingService`: it places calls and
reports on their `TelephoneLeg`. A telephone that answers is in the call either as an endpoint in
this process (`TelephoneLeg.answered`), or as a native client whose principal is the telephone and
which joins with the leg's invitation; the latter brings its media with it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Protocol

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason, PendingState
from acs_core.core.tones import DtmfTone
from acs_core.errors import InvalidStateError, Stage
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.server_call import ServerCall

__all__ = ["PstnGateway", "Telephone", "TelephoneLeg"]

_log = logging.getLogger(__name__)


class Telephone(Protocol):
    """A telephone call that a gateway has placed."""

    def hang_up(self) -> None:
        """End it, whether it was answered or not; said at most once. Must not block."""

    def send_tone(self, tone: DtmfTone) -> None:
        """Let it hear a key. Must not block."""


class PstnGateway(Protocol):
    """A way into the telephone network."""

    def place(self, leg: TelephoneLeg) -> Telephone:
        """Call `leg.number`, showing `leg.caller_id`, and report on the leg. Must not block.

        What it raises is logged, and ends the leg with 503/560503.
        """


class LegOwner(Protocol):
    """Who hears what becomes of a telephone call."""

    def leg_progressed(self, leg: TelephoneLeg, state: PendingState) -> None:
        """It rings, or plays an announcement."""

    def leg_ended(self, leg: TelephoneLeg, reason: EndReason) -> None:
        """The telephone is out of the call, or will not come."""


class TelephoneLeg:
    """One telephone that is called into a call; the gateway reports here.

    Attributes:
        call: Which call.
        raw_id: Of the telephone.
        number: In E.164.
        caller_id: The number to show, in E.164; empty for that of the Teams user who calls.
        headers: Name and value of the SIP headers to send along: User-To-User and X-MS-Custom-...
        invitation: Endpoint id of the telephone; with an `InvitationLocator` of it the telephone's
            own client may join.
    """

    def __init__(
        self,
        owner: LegOwner,
        call: ServerCall,
        *,
        raw_id: str,
        number: str,
        caller_id: str,
        invitation: str,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.call = call
        self.raw_id = raw_id
        self.number = number
        self.caller_id = caller_id
        self.invitation = invitation
        self.headers = headers
        self._owner = owner
        self._telephone: Telephone | None = None
        self._is_over = False
        self._has_hung_up = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to report any more; reports are then passed over."""
        return self._is_over

    def place(self, gateway: PstnGateway) -> None:
        """Have a gateway place the call; the switchboard says this."""
        try:
            telephone = gateway.place(self)
        except Exception:
            _log.exception("the gateway did not place a call")
            self.ended(endings.TELEPHONE_FAILED)
            return
        self._telephone = telephone
        if self._is_over:
            self._release()

    def ringing(self) -> None:
        """The telephone rings."""
        self._progress(PendingState.RINGING)

    def early_media(self) -> None:
        """An announcement is played before the telephone answers."""
        self._progress(PendingState.EARLY_MEDIA)

    def answered(
        self,
        observer: EndpointObserver | None = None,
        publications: Iterable[wire.NewPublication] = (),
    ) -> Endpoint:
        """Bring the telephone into the call as an endpoint of this process.

        Where the call asks for consent to being recorded, nothing of the telephone is forwarded
        before it is given: ask there, then say so with `call.activity.agree` and
        `Endpoint.update`.

        Args:
            observer: Hears what happens in the call; None for somebody who listens to nothing.
            publications: What the telephone offers; say with `Endpoint.attach` where it comes from.

        Raises:
            InvalidStateError: The telephone is called no longer.
            CallingError: The call is full, or the telephone is in it already.
        """
        if self._is_over:
            raise InvalidStateError(
                f"{self.number} is called no longer.", stage=Stage.SIGNALING, next_step="Hang up."
            )
        principal = Principal(self.raw_id, PrincipalKind.TELEPHONE, math.inf)
        return self.call.join(
            self.invitation,
            principal,
            observer or EndpointObserver(),
            publications=publications,
        )

    def ended(self, reason: EndReason = endings.TELEPHONE_HUNG_UP) -> None:
        """The telephone hung up, or did not answer.

        Args:
            reason: One of the `TELEPHONE_...` endings, or the gateway's own.
        """
        if not self._is_over:
            self._is_over = self._has_hung_up = True
            self._owner.leg_ended(self, reason)

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Hear from the switchboard that it shall ring no longer."""
        if isinstance(body, wire.InvitationEnded):
            self.hang_up()

    def hang_up(self) -> None:
        """End it from this side; safe to repeat."""
        if self._is_over:
            return
        self._is_over = True
        self._release()

    def send_tone(self, tone: DtmfTone) -> None:
        """Let the telephone hear a key; what the gateway raises is logged."""
        if self._telephone is None or self._is_over:
            return
        try:
            self._telephone.send_tone(tone)
        except Exception:
            _log.exception("a telephone did not get a tone")

    def _release(self) -> None:
        if self._telephone is None or self._has_hung_up:
            return
        self._has_hung_up = True
        try:
            self._telephone.hang_up()
        except Exception:
            _log.exception("a telephone was not hung up")

    def _progress(self, state: PendingState) -> None:
        if not self._is_over:
            self._owner.leg_progressed(self, state)
