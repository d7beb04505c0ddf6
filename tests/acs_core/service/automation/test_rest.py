"""Requests that Microsoft's client would not make, and what they are answered."""

from __future__ import annotations

import time
import uuid
from typing import Any

import aiohttp
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.service.app import CallingService
from acs_core.service.automation.rest import API_VERSIONS
from acs_core.signed_request import AccessKeyCredential, signed_headers
from tests.acs_core.service.automation.conftest import Site

CALLBACK = "https://callbacks.invalid/events"


async def ask(
    service: CallingService,
    method: str,
    path: str,
    body: str = "",
    *,
    version: str = API_VERSIONS[-1],
    is_signed: bool = True,
) -> tuple[int, dict[str, Any]]:
    """Status and answer of a request."""
    url = f"{service.url}/calling/{path}?api-version={version}"
    key = service.settings.acs_access_key
    assert key is not None
    credential = AccessKeyCredential(key.get_secret_value())
    headers = (
        signed_headers(
            credential, method, url, body.encode(), now=time.time(), request_id=str(uuid.uuid4())
        )
        if is_signed
        else {}
    )
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=body.encode(), headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None) or {}


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_each_version_of_the_interface_is_served(site: Site, version: str) -> None:
    status, answer = await ask(
        site.switch.service, "GET", f"recordings/{'f' * 32}", version=version
    )
    assert (status, answer["error"]["code"]) == (404, "8522")


async def test_requests_that_are_not_signed_or_of_another_version_are_refused(site: Site) -> None:
    service = site.switch.service
    assert (await ask(service, "GET", "recordings/x", is_signed=False))[0] == 401
    assert (await ask(service, "POST", "callConnections", "{}", is_signed=False))[0] == 401
    assert (await ask(service, "GET", "recordings/x", version="2020-01-01"))[0] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("callConnections", "no json"),
        ("callConnections", "[]"),
        ("callConnections", "{}"),
        ("callConnections", '{"targets": [{}], "callbackUri": "https://h/"}'),
        ("callConnections", '{"targets": [{"rawId": "4:home"}], "callbackUri": "https://h/"}'),
        ("callConnections", '{"targets": [{"rawId": "\\ud800"}], "callbackUri": "https://h/"}'),
        ("callConnections:answer", '{"incomingCallContext": "x"}'),
        ("callConnections:redirect", '{"incomingCallContext": "x", "target": {}}'),
        ("callConnections:connect", '{"callLocator": {}, "callbackUri": "https://h/"}'),
        (
            "callConnections:connect",
            '{"callLocator": {"roomId": "a", "groupCallId": "b"}, "callbackUri": "https://h/"}',
        ),
        (
            "callConnections:connect",
            '{"callLocator": {"groupCallId": "no guid"}, "callbackUri": "https://h/"}',
        ),
        ("recordings", "{}"),
        ("recordings", '{"callLocator": {"serverCallId": 5}}'),
    ],
)
async def test_bodies_that_do_not_fit_are_refused(site: Site, path: str, body: str) -> None:
    status, answer = await ask(site.switch.service, "POST", path, body)
    assert status == 400
    assert answer["error"]["code"] in ("8523", "BadRequest")
    assert not site.switch.service.calls.live


async def test_callbacks_to_which_nothing_may_be_posted_are_refused_at_once(site: Site) -> None:
    def refuse(url: str) -> None:
        raise InvalidArgumentError(f"{url} leads to the inside.")

    service = site.switch.service
    service.automation.outlet.check = refuse
    raw_id, _ = service.issue_user_token()
    body = f'{{"targets": [{{"rawId": "{raw_id}"}}], "callbackUri": "{CALLBACK}"}}'
    status, answer = await ask(service, "POST", "callConnections", body)
    assert (status, answer["error"]["code"]) == (400, "8523")
    assert not service.calls.live


@pytest.mark.parametrize("source", ["8:acs:elsewhere_user", "8:acs:{}_two\\nlines", "x", ""])
async def test_a_call_is_made_as_a_user_of_the_resource_or_not_at_all(
    site: Site, source: str
) -> None:
    service = site.switch.service
    raw_id, _ = service.issue_user_token()
    body = (
        f'{{"targets": [{{"rawId": "{raw_id}"}}], "callbackUri": "{CALLBACK}",'
        f' "source": {{"id": "{source.format(service.settings.acs_resource_id)}"}}}}'
    )
    status, answer = await ask(service, "POST", "callConnections", body)
    assert (status, answer["error"]["code"]) == (403, "7507")
    assert not service.calls.live


async def test_media_streaming_is_refused_before_anybody_is_called(site: Site) -> None:
    raw_id, _ = site.switch.service.issue_user_token()
    body = (
        f'{{"targets": [{{"rawId": "{raw_id}"}}], "callbackUri": "{CALLBACK}",'
        ' "mediaStreamingOptions": {"transportType": "websocket"}}'
    )
    status, answer = await ask(site.switch.service, "POST", "callConnections", body)
    assert (status, answer["error"]["code"]) == (405, "8520")
    assert not site.switch.service.calls.live
