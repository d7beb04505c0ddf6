"""What clients ask of a call besides media: each request goes to the part that knows it.

`NativeEndpoint` handles what is about its own media and hands everything else to `CallServices`,
which the service makes once and all endpoints share.
"""

from __future__ import annotations

from typing import Final

from acs_core import wire
from acs_core.errors import ServiceError, Stage
from acs_core.service import moderation, remote_diagnostics
from acs_core.service.calls import Calls
from acs_core.service.captions import Captions
from acs_core.service.endpoints import Endpoint
from acs_core.service.identity import PrincipalKind
from acs_core.service.membership import Membership
from acs_core.service.real_time_text import send_text
from acs_core.service.surveys import Surveys
from acs_core.service.transfers import TRANSFER_TIMEOUT, Transfers

__all__ = ["CallServices"]

_MODERATING: Final = (
    wire.DecideLobby
    | wire.MuteParticipants
    | wire.PermitMedia
    | wire.RemoveParticipant
    | wire.Spotlight
)


class CallServices:
    """The parts of the service that act on calls and the people in them."""

    def __init__(
        self,
        calls: Calls,
        captions: Captions | None = None,
        *,
        transfer_timeout: float = TRANSFER_TIMEOUT,
    ) -> None:
        self._calls = calls
        self.captions = captions or Captions(None)
        self.surveys = Surveys()
        self.transfers = Transfers(calls, timeout=transfer_timeout)
        self._membership = Membership(calls)

    def close(self) -> None:
        """Wait for nothing any more: the service stops."""
        self.transfers.close()

    def handle(self, endpoint: Endpoint, body: wire.RequestBody) -> None:
        """Carry out a request of an endpoint that is in a call.

        Raises:
            CallingError: It is refused; nothing has changed.
        """
        _check_may_moderate(endpoint, body)
        match body:
            case wire.SetAudience(publication=publication, audience=audience):
                endpoint.set_audience(publication, audience)
            case wire.SetCaptions():
                self.captions.set(endpoint, body)
            case wire.Transfer():
                self.transfers.begin(endpoint, body)
            case wire.ReportTransfer():
                self.transfers.report(endpoint, body)
            case wire.AnnounceRecording(is_recording=is_recording):
                endpoint.call.set_attributes(endpoint, is_recording=is_recording)
            case wire.Consent():
                endpoint.call.activity.agree(endpoint)
            case wire.ReportDiagnostics(reports=reports):
                remote_diagnostics.pass_on(endpoint, reports)
            case wire.MuteParticipants(identities=identities):
                moderation.mute(endpoint, identities)
            case wire.PermitMedia(identities=identities, media=media, is_permitted=is_permitted):
                moderation.permit(endpoint, identities, media, is_permitted=is_permitted)
            case wire.RaiseHand(identities=identities, is_raised=is_raised):
                moderation.raise_hand(endpoint, identities, is_raised=is_raised)
            case wire.Spotlight(identities=identities, is_on=is_on):
                moderation.spotlight(endpoint, identities, is_on=is_on)
            case wire.React(reaction=reaction):
                moderation.react(endpoint, reaction)
            case wire.SetHold(is_on_hold=is_on_hold):
                moderation.set_hold(endpoint, is_on_hold=is_on_hold)
            case wire.DecideLobby(identities=identities, is_admitted=is_admitted):
                moderation.decide_lobby(endpoint, identities, is_admitted=is_admitted)
            case wire.Invite():
                self._calls.switchboard.invite(endpoint, body)
            case wire.RemoveParticipant():
                self._calls.switchboard.remove(endpoint, body)
            case wire.SendTone(tone=tone):
                self._calls.switchboard.send_tone(endpoint, tone)
            case wire.SendRealTimeText():
                send_text(endpoint, body)
            case _:
                raise ServiceError(
                    f"The service does not know {type(body).__name__} requests.",
                    code=501,
                    stage=Stage.SIGNALING,
                )


def _check_may_moderate(endpoint: Endpoint, body: wire.RequestBody) -> None:
    """Refuse what Twilio's participants cannot do to others, whatever protocol they speak.

    They are presenters for what they publish; rooms are governed over REST.
    """
    lowers_others = isinstance(body, wire.RaiseHand) and body.identities != ()
    is_moderating = isinstance(body, _MODERATING) or lowers_others
    if is_moderating and endpoint.principal.kind is PrincipalKind.TWILIO:
        raise ServiceError(
            "A Twilio participant cannot act on others.",
            stage=Stage.ADMISSION,
            next_step="Change the room over REST.",
        )
