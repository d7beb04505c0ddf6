from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.client.credential import (
    AccessToken,
    AzureCommunicationTokenCredential,
    CommunicationTokenRefreshOptions,
    TokenLike,
    decode_token,
    renewal_time,
)
from acs_core.errors import (
    AuthenticationError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    Stage,
    TransportError,
)

NOW = 1_800_000_000.0


def jwt_of(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def token_until(expires_on: float, user: str = "acs:r_alice") -> str:
    return jwt_of({"exp": expires_on, "skypeid": user})


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Refresher:
    """Hands out what it was given, when it is let."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()

    async def __call__(self) -> str | TokenLike:
        self.calls += 1
        self.called.set()
        await self.gate.wait()
        result = self.results.pop(0)
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]


def test_expiry_and_user_are_read_from_the_token() -> None:
    token = decode_token(token_until(NOW))
    assert (token.expires_on, token.raw_id) == (NOW, "8:acs:r_alice")
    assert decode_token(jwt_of({"exp": 5})).raw_id == ""


@pytest.mark.parametrize(
    "text",
    ["x", "a.b", "a.é.c", "a.b.c", jwt_of([]), jwt_of({}), jwt_of({"exp": None}), jwt_of(7)]
    + [jwt_of({"exp": text}) for text in ("soon", "nan", "inf", 10**400)],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        AzureCommunicationTokenCredential(text)
    assert (caught.value.sub_code, caught.value.stage) == (44117, Stage.TOKEN)


@given(st.text())
def test_any_text_is_decoded_or_refused(text: str) -> None:
    for token in (text, f"a.{text}.c"):
        try:
            decode_token(token)
        except AuthenticationError as error:
            assert error.code == 401  # noqa: PT017 - the property


def test_missing_and_empty_tokens_have_their_codes() -> None:
    with pytest.raises(AuthenticationError) as caught:
        AzureCommunicationTokenCredential()
    assert caught.value.sub_code == 44108
    with pytest.raises(AuthenticationError) as caught:
        AzureCommunicationTokenCredential("")
    assert caught.value.sub_code == 44109


def test_proactive_renewal_needs_a_refresher() -> None:
    with pytest.raises(InvalidArgumentError):
        AzureCommunicationTokenCredential(token_until(NOW), refresh_proactively=True)


def test_a_token_does_not_print_itself() -> None:
    assert "secret" not in repr(AccessToken("secret", NOW))


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_renewal_is_before_the_end_and_after_half_of_life(received: float, life: float) -> None:
    at = renewal_time(received + life, received_at=received)
    assert received <= at <= received + life
    assert received + life - at <= 600.0
    assert at - received >= life / 2 - 1e-6


async def test_a_static_token_is_handed_out_as_it_is() -> None:
    with AzureCommunicationTokenCredential(token_until(NOW - 5), clock=Clock()) as credential:
        assert (await credential.get_token()).expires_on == NOW - 5


async def test_a_fresh_token_is_not_renewed() -> None:
    refresher = Refresher()
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 3600), token_refresher=refresher, clock=Clock()
    )
    await credential.get_token()
    assert refresher.calls == 0
    credential.dispose()


async def test_the_first_token_comes_from_the_refresher_if_none_was_given() -> None:
    refresher = Refresher(token_until(NOW + 3600))
    credential = AzureCommunicationTokenCredential(token_refresher=refresher, clock=Clock())
    assert (await credential.get_token()).expires_on == NOW + 3600
    assert (await credential.get_token()).expires_on == NOW + 3600
    assert refresher.calls == 1


async def test_a_token_that_ends_soon_is_renewed() -> None:
    clock = Clock()
    refresher = Refresher(token_until(NOW + 7200))
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 3600), token_refresher=refresher, clock=clock
    )
    clock.now = NOW + 2999
    assert (await credential.get_token()).expires_on == NOW + 3600
    clock.now = NOW + 3000
    assert (await credential.get_token()).expires_on == NOW + 7200


async def test_many_callers_share_one_refresh() -> None:
    refresher = Refresher(token_until(NOW + 3600))
    refresher.gate.clear()
    credential = AzureCommunicationTokenCredential(token_refresher=refresher, clock=Clock())
    callers = [asyncio.create_task(credential.get_token()) for _ in range(20)]
    await refresher.called.wait()
    refresher.gate.set()
    tokens = await asyncio.gather(*callers)
    assert refresher.calls == 1
    assert len({token.token for token in tokens}) == 1


async def test_a_cancelled_caller_does_not_take_the_refresh_from_the_others() -> None:
    refresher = Refresher(token_until(NOW + 3600))
    refresher.gate.clear()
    credential = AzureCommunicationTokenCredential(token_refresher=refresher, clock=Clock())
    first, second = (asyncio.create_task(credential.get_token()) for _ in range(2))
    await refresher.called.wait()
    first.cancel()
    await asyncio.wait({first})
    assert first.cancelled()
    refresher.gate.set()
    assert (await second).expires_on == NOW + 3600


@pytest.mark.parametrize(
    ("result", "sub_code"),
    [
        (OSError("network"), 44110),
        (TimeoutError("the refresher's own"), 44110),
        (asyncio.CancelledError(), 44110),
        (token_until(NOW), 40235),
        ("garbage", 44117),
        ("", 44109),
        (None, 44117),
        (b"bytes", 44117),
    ],
)
async def test_a_failing_refresher_is_a_typed_error(result: Any, sub_code: int) -> None:
    refresher = Refresher(result, token_until(NOW + 3600))
    credential = AzureCommunicationTokenCredential(token_refresher=refresher, clock=Clock())
    with pytest.raises(AuthenticationError) as caught:
        await credential.get_token()
    assert caught.value.sub_code == sub_code
    if isinstance(result, Exception):
        assert caught.value.__cause__ is result
    # And the next call tries again.
    assert (await credential.get_token()).expires_on == NOW + 3600


async def test_errors_of_our_own_pass_through_the_refresher() -> None:
    error = TransportError("no route")
    credential = AzureCommunicationTokenCredential(token_refresher=Refresher(error), clock=Clock())
    with pytest.raises(TransportError) as caught:
        await credential.get_token()
    assert caught.value is error


async def test_a_failed_renewal_leaves_a_token_that_still_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 3600),
        token_refresher=Refresher(OSError(), OSError()),
        clock=clock,
    )
    clock.now = NOW + 3590
    with caplog.at_level(logging.WARNING):
        assert (await credential.get_token()).expires_on == NOW + 3600
    assert "could not renew" in caplog.text
    assert token_until(NOW + 3600) not in caplog.text
    clock.now = NOW + 3600
    with pytest.raises(AuthenticationError):
        await credential.get_token()


async def test_a_token_of_another_user_is_refused() -> None:
    clock = Clock()
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 3600),
        token_refresher=Refresher(token_until(NOW + 7200, "acs:r_bob")),
        clock=clock,
    )
    clock.now = NOW + 3600
    with pytest.raises(AuthenticationError) as caught:
        await credential.get_token()
    assert (caught.value.code, caught.value.sub_code) == (400, 40233)


async def test_a_refresher_has_a_deadline() -> None:
    refresher = Refresher()
    refresher.gate.clear()
    credential = AzureCommunicationTokenCredential(
        token_refresher=refresher, clock=Clock(), refresh_timeout=0.01
    )
    with pytest.raises(DeadlineError) as caught:
        await credential.get_token()
    assert caught.value.stage is Stage.TOKEN


async def test_what_azures_clients_return_is_taken() -> None:
    azure_token = namedtuple("azure_token", ["token", "expires_on"])
    refresher = Refresher(azure_token(token_until(NOW + 3600), "2027-01-15T08:00:00Z"))
    credential = AzureCommunicationTokenCredential(token_refresher=refresher, clock=Clock())
    assert (await credential.get_token()).expires_on == NOW + 3600


async def test_an_access_token_brings_its_own_expiry() -> None:
    opaque = AccessToken("opaque", NOW + 3600)
    credential = AzureCommunicationTokenCredential(opaque, clock=Clock())
    assert await credential.get_token() is opaque


async def test_disposing_ends_waiting_callers_and_forgets_the_token() -> None:
    refresher = Refresher(token_until(NOW + 3600))
    refresher.gate.clear()
    clock = Clock()
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 3600), token_refresher=refresher, clock=clock
    )
    clock.now = NOW + 3500  # the old token still holds, and must not come back
    caller = asyncio.create_task(credential.get_token())
    await refresher.called.wait()
    credential.dispose()
    with pytest.raises(InvalidStateError):
        await caller
    with pytest.raises(InvalidStateError):
        await credential.get_token()
    credential.dispose()


async def test_disposing_right_after_a_refresh_keeps_nothing() -> None:
    refresher = Refresher(token_until(NOW + 3600))
    credential = AzureCommunicationTokenCredential(
        token_refresher=refresher, refresh_proactively=True, clock=Clock()
    )
    caller = asyncio.create_task(credential.get_token())
    await refresher.called.wait()
    credential.dispose()
    with pytest.raises(InvalidStateError):
        await caller


def running_clock() -> Callable[[], float]:
    loop = asyncio.get_running_loop()
    started = loop.time()
    return lambda: NOW + loop.time() - started


async def test_a_proactive_credential_renews_without_being_asked() -> None:
    refresher = Refresher(token_until(NOW + 7200))
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 0.2),
        token_refresher=refresher,
        refresh_proactively=True,
        clock=running_clock(),
    )
    assert (await credential.get_token()).expires_on == NOW + 0.2
    await refresher.called.wait()
    assert (await credential.get_token()).expires_on == NOW + 7200
    assert refresher.calls == 1
    credential.dispose()


async def test_a_failed_proactive_renewal_is_not_repeated_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refresher = Refresher(OSError())
    refresher.gate.clear()
    clock = Clock()
    credential = AzureCommunicationTokenCredential(
        token_until(NOW + 0.1),
        token_refresher=refresher,
        refresh_proactively=True,
        clock=clock,
    )
    await credential.get_token()
    await refresher.called.wait()
    clock.now = NOW + 0.1
    with caplog.at_level(logging.INFO):
        refresher.gate.set()
        with pytest.raises(AuthenticationError):
            await credential.get_token()
    assert "refresh failed" in caplog.text
    assert refresher.calls == 1
    credential.dispose()


async def test_the_options_of_the_acs_sdk_are_taken_in_one_object() -> None:
    clock, refresher = Clock(), Refresher(token_until(NOW + 7200))
    options = CommunicationTokenRefreshOptions(refresher, token_until(NOW + 60), True)
    with AzureCommunicationTokenCredential(options, clock=clock) as credential:
        clock.now = NOW + 31
        assert (await credential.get_token()).expires_on == NOW + 7200
    assert options.token is not None
    assert str(options.token) not in repr(options)


async def test_a_token_that_cannot_be_read_holds_as_long_as_it_is_said() -> None:
    clock, refresher = Clock(), Refresher("opaque too")
    options = CommunicationTokenRefreshOptions(
        refresher, "opaque", undecodable_token_expiry_interval_in_seconds=1200.0
    )
    with AzureCommunicationTokenCredential(options, clock=clock) as credential:
        token = await credential.get_token()
        assert (token.token, token.expires_on) == ("opaque", NOW + 1200)
        clock.now = NOW + 601  # Ten minutes before the end it is renewed.
        token = await credential.get_token()
        assert (token.token, token.expires_on) == ("opaque too", NOW + 601 + 1200)


def test_an_empty_token_is_refused_however_long_it_should_hold() -> None:
    with pytest.raises(AuthenticationError) as error:
        AzureCommunicationTokenCredential("", undecodable_token_expiry_interval_in_seconds=60.0)
    assert error.value.sub_code == 44109
