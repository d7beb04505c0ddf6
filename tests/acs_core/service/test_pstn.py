"""Telephones, called through a gateway that a test scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import PendingState
from acs_core.core.tones import DtmfTone
from acs_core.errors import InvalidStateError
from acs_core.media.sources import ToneSource
from acs_core.service.app import CallingService, embedded
from acs_core.service.endpoints import Endpoint
from acs_core.service.server_call import ServerCall
from tests.support.events import until
from tests.support.media_checks import listen
from tests.support.service_client import RawClient, group, participant, raw_client
from tests.support.session_clients import received, stream
from tests.support.telephones import (
    Loopback,
    ScriptedTelephone,
    TelephoneTokens,
    answer_with_media,
)

PHONE = "4:+14255550123"
OURS = "+14255550100"


@pytest.fixture
def network() -> Loopback:
    return Loopback()


@pytest.fixture
async def service(network: Loopback) -> AsyncIterator[CallingService]:
    async with embedded(verifiers=(TelephoneTokens(),), telephones=network) as running:
        yield running


async def dial(client: RawClient) -> tuple[str, Any]:
    await client.hello()
    return await client.join(wire.DialLocator(callees=(PHONE,), alternate_caller_id=OURS))


async def placed(network: Loopback) -> ScriptedTelephone:
    await until(lambda: network.placed)
    return network.placed[-1]


def only_call(service: CallingService) -> ServerCall:
    (call,) = service.calls.live.values()
    return call


def telephone_in(call: ServerCall) -> Endpoint:
    (endpoint,) = [item for item in call.endpoints.values() if item.principal.raw_id == PHONE]
    return endpoint


async def test_without_a_gateway_calling_a_telephone_ends_the_call_with_a_code() -> None:
    async with embedded() as service, raw_client(service) as caller:
        _, joined = await dial(caller)
        assert isinstance(joined, wire.Joined)
        assert (await caller.news(wire.Ended)).reason == endings.NO_TELEPHONY


async def test_a_telephone_sees_the_number_and_its_progress_is_told(
    service: CallingService, network: Loopback
) -> None:
    async with raw_client(service) as caller:
        await dial(caller)
        telephone = await placed(network)
        assert (telephone.leg.number, telephone.leg.caller_id) == ("+14255550123", OURS)
        call = only_call(service)
        telephone.leg.ringing()
        telephone.leg.early_media()
        # An announcement is further than ringing.
        telephone.leg.ringing()
        assert call.roster.pending[PHONE].state is PendingState.EARLY_MEDIA
        telephone.leg.answered()
        assert not call.roster.pending
        assert telephone_in(call).id == telephone.leg.invitation


async def test_a_telephone_that_hangs_up_ends_the_call_of_two(
    service: CallingService, network: Loopback
) -> None:
    async with raw_client(service) as caller:
        await dial(caller)
        telephone = await placed(network)
        telephone.leg.answered()
        telephone.leg.ended()
        assert (await caller.news(wire.Ended)).reason == endings.TELEPHONE_HUNG_UP
        assert telephone.hang_ups == 0


async def test_a_telephone_hears_keys_while_it_is_in_the_call(
    service: CallingService, network: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw_client(service) as caller:
        own, _ = await dial(caller)
        telephone = await placed(network)
        press = wire.SendTone(endpoint=own, tone=DtmfTone.STAR)
        refused = await caller.ask(press)
        assert isinstance(refused, wire.Failed)
        assert (refused.code, refused.sub_code) == (400, 41022)
        telephone.leg.answered()
        assert await caller.ask(press) == wire.Answered()
        assert telephone.tones == [DtmfTone.STAR]
        telephone.error = RuntimeError("the trunk is down")
        assert await caller.ask(press) == wire.Answered()
        assert "did not get a tone" in caplog.text
        telephone.leg.hang_up()
        telephone.leg.send_tone(DtmfTone.STAR)
        assert telephone.tones == [DtmfTone.STAR]


@pytest.mark.parametrize(
    "reason",
    [endings.TELEPHONE_BUSY, endings.TELEPHONE_DECLINED, endings.TELEPHONE_NO_ANSWER],
    ids=lambda reason: str(reason.sub_code),
)
async def test_a_telephone_that_is_not_answered_ends_the_call_with_its_reason(
    service: CallingService, network: Loopback, reason: Any
) -> None:
    async with raw_client(service) as caller:
        await dial(caller)
        (await placed(network)).leg.ended(reason)
        assert (await caller.news(wire.Ended)).reason == reason


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_caller_who_leaves_hangs_the_telephone_up_once(
    service: CallingService, network: Loopback, is_answered: bool
) -> None:
    async with raw_client(service) as caller:
        endpoint, _ = await dial(caller)
        telephone = await placed(network)
        if is_answered:
            telephone.leg.answered()
        await caller.ask(wire.Leave(endpoint=endpoint))
        assert telephone.hang_ups == 1
        assert telephone.leg.is_over
        telephone.leg.ended()
        telephone.leg.ringing()
        with pytest.raises(InvalidStateError):
            telephone.leg.answered()
        assert not service.calls.live


async def test_a_telephone_is_invited_into_a_group_and_removed_again(
    service: CallingService, network: Loopback
) -> None:
    async with raw_client(service) as caller:
        await caller.hello()
        endpoint, _ = await caller.join(group())
        refused = await caller.ask(wire.Invite(endpoint=endpoint, callee=PHONE))
        assert (refused.code, refused.sub_code) == (403, 510403)
        for is_answered in (False, True):
            ask = wire.Invite(endpoint=endpoint, callee=PHONE, alternate_caller_id=OURS)
            assert await caller.ask(ask) == wire.Answered()
            await until(lambda: len(network.placed) == 1 + is_answered)  # noqa: B023
            telephone = network.placed[-1]
            if is_answered:
                telephone.leg.answered()
            gone = wire.RemoveParticipant(endpoint=endpoint, identity=PHONE)
            assert await caller.ask(gone) == wire.Answered()
            assert telephone.hang_ups == 1
        assert list(only_call(service).endpoints) == [endpoint]


async def test_a_gateway_that_fails_is_logged_and_ends_the_call(
    service: CallingService, network: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    network.error = RuntimeError("no trunk")
    async with raw_client(service) as caller:
        await dial(caller)
        assert (await caller.news(wire.Ended)).reason == endings.TELEPHONE_FAILED
    assert "the gateway did not place a call" in caplog.text


async def test_a_telephone_with_a_client_of_its_own_is_heard(
    service: CallingService, network: Loopback
) -> None:
    place = wire.DialLocator(callees=(PHONE,), alternate_caller_id=OURS)
    async with participant(service, place) as caller:
        telephone = await placed(network)
        tone = stream(ToneSource(frequency_hz=880.0))
        async with answer_with_media(service, telephone.leg, [tone]):
            receiver = await received(caller, "audio")
            assert await listen(receiver.frames()) == pytest.approx(880, abs=20)
        await caller.until(lambda: caller.ended)
        assert caller.ended == [endings.OTHER_HUNG_UP]
        assert telephone.hang_ups == 1
