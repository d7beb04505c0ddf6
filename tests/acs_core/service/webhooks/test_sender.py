"""Where requests go, and how they look there."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from acs_core.errors import InvalidArgumentError
from acs_core.service.webhooks import DeliveryTimes, TargetGuard, json_request
from tests.acs_core.service.webhooks.test_guard import Answers
from tests.support.tls import self_signed
from tests.support.webhook_sink import webhook_sink
from tests.support.webhooks import FAILED, receiver, settled, telling, webhooks


async def test_a_target_that_is_refused_is_given_up_at_once_with_the_reason() -> None:
    async with webhook_sink() as sink, webhooks(guard=TargetGuard()) as part:
        plain = part.post(telling(sink.url, "x"))
        literal = part.post(telling("https://10.0.0.1/", "x", group="2"))
        local = part.post(telling("https://localhost/", "x", group="3"))
        for delivery in (plain, literal, local):
            await settled(part, delivery)
            assert (delivery.state, delivery.attempts) == (FAILED, 1)
        assert "not https" in str(plain.error)
        assert "must not reach" in str(literal.error)
        assert sink.got == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_that_leads_to_a_private_address_is_not_reached(scheme: str) -> None:
    networks = [ipaddress.ip_network("10.9.0.0/16")]
    async with (
        webhook_sink() as sink,
        webhooks(guard=TargetGuard(networks), resolver=Answers("127.0.0.1")) as part,
    ):
        port = sink.url.rpartition(":")[2]
        url = f"{scheme}://innocent.example:{port}/"
        delivery = await settled(part, part.post(telling(url, "x")))
        assert (delivery.state, delivery.attempts) == (FAILED, 1)
        assert "innocent.example is 127.0.0.1" in str(delivery.error)
        assert sink.got == []


class Rebinding(Answers):
    """Gives another answer each time it is asked."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, *arguments: Any, **options: Any) -> Any:
        self.asked += 1
        self.addresses = (self.answers.pop(0),)
        return await super().resolve(*arguments, **options)


async def test_an_answer_that_changes_in_between_changes_nothing() -> None:
    # Allowed when it is checked, forbidden afterwards: there is no second look-up to win.
    networks = [ipaddress.ip_network("127.0.0.2/32")]
    resolver: AbstractResolver = Rebinding("127.0.0.2", "127.0.0.1", "127.0.0.1")
    async with (
        webhook_sink() as sink,
        webhooks(guard=TargetGuard(networks), resolver=resolver) as part,
    ):
        port = sink.url.rpartition(":")[2]
        delivery = part.post(telling(f"http://rebinding.example:{port}/", "x"))
        await settled(part, delivery)
        # Nobody is at 127.0.0.2; the next attempt looked the name up anew, and was refused.
        assert isinstance(resolver, Rebinding)
        assert (delivery.attempts, resolver.asked) == (2, 2)
        assert delivery.state is FAILED
        assert "must not reach" in str(delivery.error)
        assert sink.got == []


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files["tls_cert"], files["tls_key"])

    async def handle(request: web.Request) -> web.StreamResponse:
        raise AssertionError("nobody must come here")

    runner = web.AppRunner(receiver(handle), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        async with webhooks(times=DeliveryTimes(pauses=())) as part:
            url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
            delivery = await settled(part, part.post(telling(url, "x")))
            assert "certificate is not believed" in str(delivery.error)
    finally:
        await runner.cleanup()


# ------------------------------------------------------------ requests


async def test_get_has_no_body_and_json_is_json() -> None:
    async with webhook_sink() as sink, webhooks() as part:
        part.post(telling(f"{sink.url}/a?b=c%20d", "x", method="GET"))
        part.post(json_request(sink.url, [{"name": "\ud800 ä"}], event="y", group="room"))
        first, second = await sink.count(2)
        assert (first.method, first.path, first.body) == ("GET", "/a?b=c%20d", "")
        assert second.headers["Content-Type"] == "application/json; charset=utf-8"
        assert second.json == [{"name": "\ud800 ä"}]
        assert second.headers["User-Agent"].startswith("twilio-compat/")


def test_other_methods_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        telling("https://example.com/", "x", method="DELETE")
