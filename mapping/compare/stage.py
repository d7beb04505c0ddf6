"""A service for one run of a scenario, and a relay for each actor, whose network may be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_hex
from typing import Any, Final

import aiohttp

from mapping.compare.actors.base import Place
from mapping.compare.errors import UnreachableError
from mapping.compare.scenario import Scenario, Seat
from twilio_compat.server import embedded
from twilio_compat.testing.network import Relay
from twilio_compat.tokens import AccessToken

__all__ = ["Service", "Stage", "open_stage"]

_DEADLINE: Final = aiohttp.ClientTimeout(total=10.0)


@dataclass(frozen=True, slots=True)
class Service:
    """A service with both personalities that runs already, and credentials for it.

    Attributes:
        url: With ``http``.
    """

    url: str
    account_sid: str
    api_key_sid: str
    api_key_secret: str = field(repr=False)

    def token(self, identity: str) -> str:
        """An access token of somebody."""
        return AccessToken(
            self.account_sid, self.api_key_sid, self.api_key_secret, identity
        ).to_jwt()


class Stage:
    """What a run has beside its actors.

    Args:
        service: Where all go.
        suffix: Of the names of rooms, so that two runs do not meet.
        stack: Closes what is opened here.

    Attributes:
        relays: The way of each actor to the service.
        rooms: What the scenario's rooms are called at the service.
    """

    def __init__(self, service: Service, suffix: str, stack: AsyncExitStack) -> None:
        self.relays: dict[str, Relay] = {}
        self.rooms: dict[str, str] = {}
        self._service = service
        self._suffix = suffix
        self._stack = stack

    def room(self, name: str) -> str:
        """What one of the scenario's rooms is called at the service."""
        return self.rooms.setdefault(name, f"{name}{self._suffix}")

    async def place(self, seat: Seat) -> Place:
        """Where an actor goes: through a relay of its own."""
        relay = Relay(self._service.url)
        await relay.start()
        self._stack.push_async_callback(relay.aclose)
        self.relays[seat.actor] = relay
        return Place(relay.url, self._service.token(seat.identity))

    async def rest(self, path: str, **form: str) -> int:
        """Post a form to the Video REST API with the API key; the status.

        Raises:
            UnreachableError: It does not answer.
        """
        return await _ask(self._service, "POST", path, form)

    async def check(self) -> None:
        """Refuse a service that does not answer: its absence is no finding of a comparison.

        Raises:
            UnreachableError: It does not answer, or refuses the API key.
        """
        status = await _ask(self._service, "GET", "/v1/Rooms?PageSize=1")
        if status == HTTPStatus.UNAUTHORIZED:
            raise UnreachableError(f"{self._service.url} refuses the API key.")
        if status >= HTTPStatus.BAD_REQUEST:
            raise UnreachableError(f"{self._service.url} has no Video REST API: status {status}.")


async def _ask(
    service: Service, method: str, path: str, form: Mapping[str, str] | None = None
) -> int:
    credentials = aiohttp.encode_basic_auth(service.api_key_sid, service.api_key_secret)
    try:
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": credentials}, timeout=_DEADLINE
            ) as session,
            session.request(method, f"{service.url}{path}", data=form) as response,
        ):
            return response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or "not in time"
        raise UnreachableError(f"{service.url} does not answer: {why}") from error


@asynccontextmanager
async def open_stage(scenario: Scenario, service: Service | None = None) -> AsyncIterator[Stage]:
    """A place for one run, gone when the block ends.

    Args:
        scenario: Whose network it is; a service that runs already keeps its own windows.
        service: One that runs already; None for one in this process, with made-up credentials.

    Raises:
        UnreachableError: The service that runs already does not.
    """
    async with AsyncExitStack() as stack:
        if service is not None and not service.url.startswith("http://"):
            raise UnreachableError(
                f"{service.url} cannot be used: actors go through relays, whose network can be cut "
                "and which have no TLS. Give the address of the service behind it, with http://."
            )
        if service is not None:
            stage = Stage(service, f"-{token_hex(4)}", stack)
            await stage.check()
            yield stage
            return
        options: Mapping[str, Any] = {}
        if (window := scenario.window) is not None:
            options = {"times": {"acs_window": window, "twilio_window": window}}
        server = await stack.enter_async_context(embedded(options=options))
        token = server.settings.twilio_account_sid  # type: ignore[attr-defined]
        (sid, key), *_ = server.settings.api_keys.items()  # type: ignore[attr-defined]
        yield Stage(Service(server.url, token, sid, key.secret), "", stack)
