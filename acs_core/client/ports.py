"""What a call needs of its session, as protocols: the real one is in `session.py`.

They exist so that calls can be tested against a scripted session, and so that nobody reaches past
them. A contract suite runs the same stories against both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from acs_core import wire
from acs_core.client.session import (
    LocalStream,
    NewStream,
    RosterChange,
    SessionObserver,
    SessionState,
    SessionStats,
)
from acs_core.core.facts import CallType, DataReliability, Priority
from acs_core.core.roster import Roster
from acs_core.errors import CallingError
from acs_core.media.sender import SendOptions

__all__ = [
    "FrameMode",
    "LinkObserver",
    "LocalStream",
    "NewStream",
    "RosterChange",
    "SendOptions",
    "ServiceLink",
    "Session",
    "SessionObserver",
    "SessionState",
    "SessionStats",
]

FrameMode: TypeAlias = Literal["latest", "queue"]
"""Keep only the newest frame, or queue up to a maximum and drop the oldest."""


class Session(Protocol):
    """One call in the service's words; see `session.CallSession` for what each member does."""

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""

    @property
    def roster(self) -> Roster:
        """Who is in the call."""

    @property
    def call_id(self) -> str:
        """The service's id of the call; known after `join`."""

    @property
    def room(self) -> wire.RoomInfo | None:
        """The room, when the call is a session of one."""

    @property
    def call_type(self) -> CallType:
        """How the call came about; known after `join`."""

    @property
    def meeting(self) -> str:
        """Thread id of the meeting; empty for other calls."""

    @property
    def streams(self) -> Mapping[str, LocalStream]:
        """Our publications by id."""

    async def join(self, streams: Sequence[NewStream]) -> tuple[LocalStream, ...]:
        """Enter the call with some streams."""

    async def publish(self, stream: NewStream) -> LocalStream:
        """Offer one more stream."""

    async def unpublish(self, stream: LocalStream) -> None:
        """Withdraw a stream."""

    async def update(
        self,
        stream: LocalStream,
        *,
        enabled: bool | None = None,
        priority: Priority | None = None,
    ) -> None:
        """Enable, disable or re-prioritise a stream."""

    async def set_receive_policy(self, policy: wire.ReceivePolicy) -> None:
        """Choose what to receive."""

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Ask the service for anything else; errors as its answer says."""

    def receiver(self, publication: str) -> Any:
        """The `StreamReceiver` of a publication, or None; in tests something like it."""

    def reliability(self, publication: str) -> DataReliability | None:
        """How hard the data channel of a publication tries; None while there is none."""

    def is_subscribed(self, publication: str) -> bool:
        """Whether a publication is received now."""

    def stats(self) -> SessionStats:
        """Measurements of both connections."""

    async def leave(self, *, for_everyone: bool = False) -> None:
        """Leave, in at most 2 s."""


class LinkObserver(Protocol):
    """Who owns a connection to the service; called on the event loop, must not block."""

    def on_connected(self, is_connected: bool, error: CallingError | None = None) -> None:
        """Whether the service is reached, and what broke the connection."""

    def on_closed(self, error: CallingError) -> None:
        """The service will not be reached again by this connection."""

    def on_invited(self, invited: wire.Invited) -> None:
        """Somebody calls."""

    def on_invitation_ended(self, ended: wire.InvitationEnded) -> None:
        """It rings no longer."""


class ServiceLink(Protocol):
    """The connection of a call agent to the service, and where its sessions come from."""

    async def open(self) -> None:
        """Connect and authenticate."""

    def session(
        self,
        observer: SessionObserver,
        *,
        endpoint_id: str,
        locator: wire.Locator,
        name: str,
        receive: wire.ReceivePolicy,
    ) -> Session:
        """A new session, not joined yet."""

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Ask the service for something that is not about a session."""

    async def close(self) -> None:
        """Close the connection, in at most 2 s."""
