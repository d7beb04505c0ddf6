"""Entry point of the calling SDK: call agent and devices.

Source: `CallClient` of @azure/communication-calling 2.0.0.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import ClassVar, TypeAlias, TypeVar

from acs_core.client.agent_common import AgentSetup
from acs_core.client.call_agent import CallAgent
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.devices import DeviceManager
from acs_core.client.emitter import TaskOwner
from acs_core.client.features.client_base import (
    CallClientContext,
    CallClientFeature,
    ClientFeatureKey,
)
from acs_core.client.features.keys import CLIENT_FEATURES
from acs_core.client.ports import LinkObserver, ServiceLink
from acs_core.client.service_link import SignalingLink
from acs_core.client.teams import TeamsCallAgent
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.identifiers import parse_raw_id
from acs_core.models import (
    DISPLAY_NAME_LIMIT,
    CallAgentOptions,
    CallClientOptions,
    TeamsCallAgentOptions,
)

__all__ = ["CallClient", "LinkFactory"]

LinkFactory: TypeAlias = Callable[[str, Callable[[], Awaitable[str]], LinkObserver], ServiceLink]
"""Makes a connection from the service's URL, a token getter and who hears of it."""

_Agent = TypeVar("_Agent", CallAgent, TeamsCallAgent)
_Feature = TypeVar("_Feature", bound=CallClientFeature)


class CallClient:
    """One user of the calling service.

    Attributes:
        AGENT: What `create_call_agent` makes.
        DEVICES: What `get_device_manager` gives.
    """

    AGENT: ClassVar[type[CallAgent]] = CallAgent
    DEVICES: ClassVar[type[DeviceManager]] = DeviceManager

    def __init__(
        self, options: CallClientOptions | None = None, *, link_factory: LinkFactory | None = None
    ) -> None:
        """Prepare a client; nothing is connected yet.

        Args:
            options: Logger, service, limits and permissions.
            link_factory: What connects to the service; None for a WebSocket.
        """
        self._options = options or CallClientOptions()
        self._link_factory = link_factory or partial(
            SignalingLink, network=self._options.network_configuration
        )
        self._logger = self._options.logger or logging.getLogger("acs_core")
        self._devices = self.DEVICES(self._options.permissions, self._logger)
        self._tasks = TaskOwner(self._logger)
        context = CallClientContext(self._tasks, self._devices, self._twin)
        self._features: dict[type[CallClientFeature], CallClientFeature] = {
            key.kind: key.kind(context) for key in CLIENT_FEATURES
        }
        self._agent: CallAgent | TeamsCallAgent | None = None
        self._is_creating = False
        self._is_disposed = False

    async def create_call_agent(
        self,
        credential: AzureCommunicationTokenCredential,
        options: CallAgentOptions | None = None,
    ) -> CallAgent:
        """Connect to the service as a user.

        Args:
            credential: The user's tokens.
            options: The display name.

        Raises:
            InvalidArgumentError: 400/40008: this client has an agent; 400/40215: a display name
                of more than 256 characters.
            ServiceError: 403/40229: the token is a Teams user's.
            AuthenticationError: The service refuses the token.
            TransportError: The service cannot be reached; DeadlineError: it does not answer.
            InvalidStateError: 404/40012: the client is disposed.
        """
        name = (options or CallAgentOptions()).display_name
        if len(name) > DISPLAY_NAME_LIMIT:
            raise InvalidArgumentError(
                f"A display name has at most {DISPLAY_NAME_LIMIT} characters.", sub_code=40215
            )
        return await self._create(self.AGENT, credential, name)

    async def create_teams_call_agent(
        self,
        credential: AzureCommunicationTokenCredential,
        options: TeamsCallAgentOptions | None = None,
    ) -> TeamsCallAgent:
        """Connect to the service as a Teams user.

        Args:
            credential: The user's tokens.
            options: There are none yet.

        Raises:
            InvalidArgumentError: 400/40008: this client has an agent.
            ServiceError: 403/40231: the token is not a Teams user's.
            AuthenticationError: The service refuses the token.
            TransportError: The service cannot be reached; DeadlineError: it does not answer.
            InvalidStateError: 404/40012: the client is disposed.
        """
        return await self._create(TeamsCallAgent, credential, "")

    async def _create(
        self,
        kind: Callable[[AgentSetup], _Agent],
        credential: AzureCommunicationTokenCredential,
        display_name: str,
    ) -> _Agent:
        self._check_usable()
        if self._agent is not None or self._is_creating:
            raise InvalidArgumentError(
                "A call client has one call agent.",
                sub_code=40008,
                next_step="Dispose the other agent first, or make another client.",
            )
        agent = kind(
            AgentSetup(
                display_name,
                self._devices,
                self._options,
                TaskOwner(self._logger),
                self._agent_disposed,
            )
        )

        async def token() -> str:
            access = await credential.get_token()
            agent.identify(parse_raw_id(access.raw_id) if access.raw_id else None)
            return access.token

        self._is_creating = True
        try:
            link = self._link_factory(self._options.service_url, token, agent)
            # Before it is open: somebody may call at that moment.
            agent.connect(link)
            await self._devices.refresh()  # So that joining need not wait for it.
            await link.open()
            if self._is_disposed:
                await agent.dispose()
                self._check_usable()
            self._agent = agent
            for feature in self._features.values():
                feature.agent_created(agent)
        finally:
            self._is_creating = False
        return agent

    async def get_device_manager(self) -> DeviceManager:
        """The devices of this computer and program; always the same object.

        Raises:
            InvalidStateError: 404/40012: the client is disposed.
        """
        self._check_usable()
        return self._devices

    def feature(self, key: ClientFeatureKey[_Feature]) -> _Feature:
        """An extension of the client itself: a member of `Features`; always the same object.

        Raises:
            InvalidArgumentError: Call clients have no such feature.
            InvalidStateError: 404/40012: the client is disposed.
        """
        self._check_usable()
        kind = key.kind if isinstance(key, ClientFeatureKey) else None
        feature = None if kind is None else self._features.get(kind)
        if kind is None or not isinstance(feature, kind):
            raise InvalidArgumentError(
                f"Call clients have no feature {key!r}.",
                next_step="Features of calls are obtained by Call.feature.",
            )
        return feature

    async def dispose(self) -> None:
        """Dispose the agent and the devices. Safe to repeat, also after one that was cancelled."""
        self._is_disposed = True
        if self._agent is not None:
            await self._agent.dispose()
        for feature in self._features.values():
            feature.close()
        await self._tasks.aclose()
        await self._devices.aclose()

    async def __aenter__(self) -> CallClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.dispose()

    def _twin(self) -> CallClient:
        return CallClient(self._options, link_factory=self._link_factory)

    def _agent_disposed(self) -> None:
        self._agent = None

    def _check_usable(self) -> None:
        if self._is_disposed:
            raise InvalidStateError("The call client is disposed.", code=404, sub_code=40012)
