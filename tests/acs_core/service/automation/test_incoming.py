"""Programs answer, redirect and reject calls for users, through Microsoft's client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from azure.communication.callautomation import (
    CallRejectReason,
)
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from acs_core.service.automation.incoming import IncomingCall
from tests.acs_core.service.automation.conftest import Site
from tests.support.callers import SILENT
from tests.support.events import until


def listening(site: Site) -> Callable[[], asyncio.Future[IncomingCall]]:
    """Makes futures of the next call that rings."""
    waiting: list[asyncio.Future[IncomingCall]] = []

    def heard(incoming: IncomingCall) -> None:
        for future in waiting:
            if not future.done():
                future.set_result(incoming)

    def next_call() -> asyncio.Future[IncomingCall]:
        waiting.append(asyncio.get_running_loop().create_future())
        return waiting[-1]

    site.switch.service.automation.incoming.listen(heard)
    return next_call


async def test_a_program_answers_for_a_user_who_is_not_online(site: Site) -> None:
    ringing = listening(site)()
    anna = await site.person("Anna")
    bot, _ = site.switch.service.issue_user_token()
    call = anna.dial(bot)
    async with asyncio.timeout(10):
        incoming = await ringing
    assert (incoming.to, incoming.caller, incoming.caller_name) == (bot, anna.raw_id, "Anna")
    answered = await site.program.ask(
        "answer_call", incoming.context, site.callbacks.url, operation_context="hello"
    )
    assert answered.answered_by.raw_id == bot
    assert answered.source.raw_id == anna.raw_id
    assert answered.server_call_id == incoming.call.id
    await call.connected()
    told = await site.callbacks.event("CallConnected")
    assert told["operationContext"] == "hello"
    assert told["serverCallId"] == incoming.call.id
    await site.callbacks.event("ParticipantsUpdated")
    assert [who.identifier.raw_id for who in call.remote_participants] == [bot]
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("answer_call", incoming.context, site.callbacks.url)
    await site.program.on(answered.call_connection_id, "hang_up", False)
    await until(lambda: call.state == "Disconnected")


async def test_the_first_answer_counts(site: Site) -> None:
    ringing = listening(site)()
    anna, ben = await site.person(), await site.person()
    rings = ben.rings()
    call = anna.dial(ben)
    async with asyncio.timeout(10):
        incoming = await ringing
    theirs = await (await (await rings).accept(SILENT)).connected()
    await call.connected()
    with pytest.raises(ResourceNotFoundError) as caught:
        await site.program.ask("answer_call", incoming.context, site.callbacks.url)
    assert caught.value.error.code == "8522"  # type: ignore[attr-defined]
    assert theirs.state == "Connected"


@pytest.mark.parametrize(
    ("reason", "code"),
    [(None, 603), (CallRejectReason.BUSY, 486), (CallRejectReason.FORBIDDEN, 403)],
)
async def test_a_program_rejects_a_call(site: Site, reason: str | None, code: int) -> None:
    ringing = listening(site)()
    anna = await site.person()
    bot, _ = site.switch.service.issue_user_token()
    call = anna.dial(bot)
    async with asyncio.timeout(10):
        incoming = await ringing
    await site.program.ask("reject_call", incoming.context, call_reject_reason=reason)
    await until(lambda: call.call_end_reason)
    assert call.call_end_reason is not None
    assert call.call_end_reason.code == code
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("reject_call", incoming.context)


async def test_a_program_redirects_a_call(site: Site) -> None:
    ringing = listening(site)()
    anna, ben = await site.person("Anna"), await site.person()
    bot, _ = site.switch.service.issue_user_token()
    call = anna.dial(bot)
    async with asyncio.timeout(10):
        incoming = await ringing
    rings = ben.rings()
    await site.program.ask("redirect_call", incoming.context, AzureUser(ben.raw_id))
    redirected = await rings
    assert redirected.caller_info.display_name == "Anna"
    await (await redirected.accept(SILENT)).connected()
    await call.connected()
    assert [who.identifier.raw_id for who in call.remote_participants] == [ben.raw_id]


async def test_a_call_is_not_redirected_to_who_is_in_it(site: Site) -> None:
    ringing = listening(site)()
    anna = await site.person()
    bot, _ = site.switch.service.issue_user_token()
    anna.dial(bot)
    async with asyncio.timeout(10):
        incoming = await ringing
    for target, status in ((anna.raw_id, 400), (bot, 409)):
        with pytest.raises(HttpResponseError) as caught:
            await site.program.ask("redirect_call", incoming.context, AzureUser(target))
        assert caught.value.status_code == status
    with pytest.raises(HttpResponseError) as caught:
        await site.program.ask("reject_call", incoming.context, call_reject_reason="mood")
    assert (caught.value.status_code, caught.value.error.code) == (400, "8523")


async def test_where_no_program_listens_a_user_who_is_not_online_does_not_ring(site: Site) -> None:
    anna = await site.person()
    bot, _ = site.switch.service.issue_user_token()
    call = anna.dial(bot)
    await until(lambda: call.call_end_reason)
    assert call.call_end_reason is not None
    assert call.call_end_reason.code == 480
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("answer_call", "f" * 32, site.callbacks.url)
