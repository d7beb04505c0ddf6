"""A telephone network for tests: telephones that do what a test says, and one that talks."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from acs_core import wire
from acs_core.client.session import NewStream
from acs_core.core.tones import DtmfTone
from acs_core.service.app import CallingService
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.pstn import TelephoneLeg
from tests.support.service_client import Participant

__all__ = ["Loopback", "ScriptedTelephone", "TelephoneTokens", "answer_with_media"]

TOKEN_PREFIX = "telephone "


@dataclass
class ScriptedTelephone:
    """One call that was placed; `leg` is where a test reports.

    Attributes:
        tones: The keys that were pressed.
        error: What a key raises.
    """

    leg: TelephoneLeg
    hang_ups: int = 0
    tones: list[DtmfTone] = field(default_factory=list)
    error: Exception | None = None

    def send_tone(self, tone: DtmfTone) -> None:
        if self.error is not None:
            raise self.error
        self.tones.append(tone)

    def hang_up(self) -> None:
        self.hang_ups += 1


@dataclass
class Loopback:
    """A gateway whose telephones wait for the test.

    Attributes:
        placed: Every call, in order.
        error: What placing raises.
    """

    placed: list[ScriptedTelephone] = field(default_factory=list)
    error: Exception | None = None

    def place(self, leg: TelephoneLeg) -> ScriptedTelephone:
        if self.error is not None:
            raise self.error
        telephone = ScriptedTelephone(leg)
        self.placed.append(telephone)
        return telephone


class TelephoneTokens:
    """Believes the tokens with which a gateway's clients join as telephones."""

    def recognizes(self, token: str) -> bool:
        return token.startswith(TOKEN_PREFIX)

    def verify(self, token: str, *, now: float) -> Principal:
        raw_id = token.removeprefix(TOKEN_PREFIX)
        return Principal(raw_id, PrincipalKind.TELEPHONE, math.inf)


@asynccontextmanager
async def answer_with_media(
    service: CallingService, leg: TelephoneLeg, streams: Sequence[NewStream]
) -> AsyncIterator[Participant]:
    """The telephone answers by a client of its own, and hangs up at the end."""
    telephone = Participant(
        service.url,
        TOKEN_PREFIX + leg.raw_id,
        wire.InvitationLocator(invitation=leg.invitation),
        endpoint_id=leg.invitation,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(telephone.close)
        await telephone.join(streams)
        yield telephone
