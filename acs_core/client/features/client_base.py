"""What features of call clients are made of; those of calls are in `base.py`.

Features are made with the client, so nothing that happens before an application first asks for one
is lost, and they end with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from acs_core.client.devices import DeviceManager
from acs_core.client.emitter import Emitter, TaskOwner

if TYPE_CHECKING:
    from acs_core.client.agent_common import CallAgentCommon
    from acs_core.client.call_client import CallClient

__all__ = ["CallClientContext", "CallClientFeature", "ClientFeatureKey"]


@dataclass(frozen=True, slots=True)
class CallClientContext:
    """What a client shares with its features.

    Attributes:
        tasks: Owner of everything that ends with the client.
        devices: The client's devices.
        new_client: Makes another client with the same options and service, to be disposed by whom
            asks for it.
    """

    tasks: TaskOwner
    devices: DeviceManager
    new_client: Callable[[], CallClient]


class CallClientFeature(Emitter):
    """One extension of a call client.

    Attributes:
        NAME: As ACS names it.
    """

    NAME: ClassVar[str]

    def __init__(self, context: CallClientContext) -> None:
        super().__init__(context.tasks)
        self._context = context

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.NAME

    def agent_created(self, agent: CallAgentCommon[Any]) -> None:
        """The client has an agent now; the client says so."""

    def close(self) -> None:
        """The client is disposed; it says so."""


_Feature_co = TypeVar("_Feature_co", bound=CallClientFeature, covariant=True)


@dataclass(frozen=True, slots=True)
class ClientFeatureKey(Generic[_Feature_co]):
    """Names a feature of call clients, and knows its type: `client.feature(key)` is typed by it.

    Attributes:
        kind: Its class.
    """

    kind: type[_Feature_co]

    @property
    def name(self) -> str:
        """As ACS names it, or our own name."""
        return self.kind.NAME
