"""What features are made of: their keys, the news they get, and what a call shares with them.

Theory of operation. A call hears its session and passes everything on as *news*, in order and to
all features: first the streams, then the participants, then the rest. News before the call is
connected is held back or left out, because features read the whole state at `Joined`. Features are
made with the call, so nothing that happens before an application first asks for one is lost.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from acs_core import wire
from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.ports import RosterChange, Session
from acs_core.core.consent import CONSENT_SUB_CODES, is_consent_missing
from acs_core.core.facts import EndReason, PublicationKind
from acs_core.errors import CallingError, InvalidStateError
from acs_core.models import ACS_LIMITS, CallLimits

if TYPE_CHECKING:
    from acs_core.client.call import CallCommon
    from acs_core.client.participants import RemoteParticipant

__all__ = [
    "CallContext",
    "CallFeature",
    "DataReceived",
    "FeatureKey",
    "ForwardingReported",
    "Joined",
    "LinkLost",
    "LinkRestored",
    "News",
    "Noticed",
    "Observed",
    "Over",
    "QualityReported",
    "RosterChanged",
    "Sampled",
    "StreamFeature",
    "StreamFeatureKey",
    "Subscribed",
    "Unsubscribed",
]


@dataclass(frozen=True, slots=True)
class Joined:
    """The call is connected; the session's roster, subscriptions and streams are complete."""


@dataclass(frozen=True, slots=True)
class RosterChanged:
    """The roster changed."""

    changes: tuple[RosterChange, ...]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A publication is received from now on."""

    publication: str


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """A publication is no longer received."""

    publication: str


@dataclass(frozen=True, slots=True)
class DataReceived:
    """A data publication brought a message."""

    publication: str
    payload: str | bytes


@dataclass(frozen=True, slots=True)
class QualityReported:
    """Network quality levels changed."""

    levels: tuple[wire.QualityLevel, ...]


@dataclass(frozen=True, slots=True)
class ForwardingReported:
    """What the service forwards of the subscribed videos changed."""

    changes: tuple[wire.Forwarding, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """The service told this endpoint something that is no part of the roster."""

    notice: wire.Notice


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The network is lost and being restored; the call goes on."""

    error: CallingError


@dataclass(frozen=True, slots=True)
class LinkRestored:
    """The network is back."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """It is time to look at statistics; about once a second.

    Attributes:
        now: Seconds of the event loop's clock.
    """

    now: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Something of which `Features.USER_FACING_DIAGNOSTICS` keeps track was seen.

    Attributes:
        diagnostic: A media diagnostic, as ACS names it.
    """

    diagnostic: str
    value: bool


@dataclass(frozen=True, slots=True)
class Over:
    """The call ended."""

    reason: EndReason


News: TypeAlias = (
    Joined
    | RosterChanged
    | Subscribed
    | Unsubscribed
    | DataReceived
    | QualityReported
    | ForwardingReported
    | Noticed
    | LinkLost
    | LinkRestored
    | Sampled
    | Observed
    | Over
)


class CallContext:
    """What a call shares with its features.

    Attributes:
        listeners: Owner of listener tasks; outlives the call until the agent is disposed.
        work: Owner of everything that ends with the call.
        publish_news: Tells the call something that other features should hear.
        ask_service: Asks the service for something while there is no session, too; errors as
            `ServiceLink.ask`.
        transfer_to: Begins the call to which this one is transferred; raises what `CallAgent.join`
            raises.
        endpoint_id: The local endpoint.
        limits: How many streams the call takes.
        participant_of: Whose endpoint an id is; the call fills it in.
    """

    def __init__(
        self,
        *,
        endpoint_id: str,
        listeners: TaskOwner,
        work: TaskOwner,
        publish_news: Callable[[News], None],
        ask_service: Callable[[wire.RequestBody], Awaitable[wire.DeliveryBody]],
        transfer_to: Callable[[wire.TransferRequested], CallCommon],
        limits: CallLimits = ACS_LIMITS,
    ) -> None:
        self.endpoint_id = endpoint_id
        self.listeners = listeners
        self.work = work
        self.publish_news = publish_news
        self.ask_service = ask_service
        self.transfer_to = transfer_to
        self.limits = limits
        self.participant_of: Callable[[str], RemoteParticipant | None] = lambda _: None
        self._session: Session | None = None
        self._is_joined = False
        self._tail: asyncio.Task[None] | None = None

    @property
    def session(self) -> Session | None:
        """The session, from the moment the call starts."""
        return self._session

    @property
    def is_joined(self) -> bool:
        """Whether the call was connected and is not over."""
        return self._is_joined

    def start(self, session: Session) -> None:
        """The call has a session now."""
        self._session = session

    def set_joined(self, is_joined: bool) -> None:
        """The call is connected, or over."""
        self._is_joined = is_joined

    def joined_session(self) -> Session:
        """The session of a connected call.

        Raises:
            InvalidStateError: The call is not connected.
        """
        if self._session is None or not self._is_joined:
            raise InvalidStateError(
                "The call is not connected.", next_step="Wait until its state is Connected."
            )
        return self._session

    @property
    def is_consent_missing(self) -> bool:
        """Whether we must agree to being recorded before we may send media."""
        if self._session is None or not self._is_joined:
            return False
        roster = self._session.roster
        own = roster.endpoints.get(self.endpoint_id)
        return own is not None and is_consent_missing(
            roster.call_type, roster.activity, own.attributes
        )

    def check_consent(self, kind: PublicationKind) -> None:
        """Refuse to send media before we agreed to being recorded, where that is asked for.

        Raises:
            InvalidStateError: 400/41108: sound; 400/41109: a camera; 400/41110: a screen.
        """
        if self.is_consent_missing:
            raise InvalidStateError(
                "The call is recorded and asks for consent.",
                code=400,
                sub_code=CONSENT_SUB_CODES[kind],
                next_step="Agree by grant_teams_consent of Features.RECORDING first.",
            )

    def enqueue(self, operation: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
        """Run an operation after all that were enqueued before it; its errors are the caller's."""
        previous = self._tail

        async def run() -> None:
            if previous is not None:
                await asyncio.wait([previous])
            await operation()

        self._tail = self.work.start(run(), name)
        return self._tail

    async def enqueued(self, operation: Callable[[], Awaitable[None]], name: str) -> None:
        """Run an operation in turn and wait for it; it goes on if the caller is cancelled."""
        task = self.enqueue(operation, name)
        await asyncio.wait([task])
        if task.cancelled():
            raise InvalidStateError("The call ended meanwhile.")
        task.result()


class CallFeature(Emitter):
    """One extension of a call.

    Attributes:
        NAME: As ACS names it, or our own name.
    """

    NAME: ClassVar[str]

    def __init__(self, context: CallContext) -> None:
        super().__init__(context.listeners)
        self._context = context

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.NAME

    def handle(self, news: News) -> None:
        """Take news; called by the call, on the event loop, in order."""


_Feature_co = TypeVar("_Feature_co", bound=CallFeature, covariant=True)


@dataclass(frozen=True, slots=True)
class FeatureKey(Generic[_Feature_co]):
    """Names a feature, and knows its type: `call.feature(key)` is typed by it.

    Attributes:
        kind: Its class.
    """

    kind: type[_Feature_co]

    @property
    def name(self) -> str:
        """As ACS names it, or our own name."""
        return self.kind.NAME


class StreamFeature(Emitter, ABC):
    """One extension of a local stream; made when the application first asks for it.

    Attributes:
        NAME: As ACS names it.
    """

    NAME: ClassVar[str]

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.NAME

    @abstractmethod
    def dispose(self) -> None:
        """Undo what the feature does; the stream calls this when it is disposed."""


_StreamFeature_co = TypeVar("_StreamFeature_co", bound=StreamFeature, covariant=True)


@dataclass(frozen=True, slots=True)
class StreamFeatureKey(Generic[_StreamFeature_co]):
    """Names a feature of local streams: `stream.feature(key)` is typed by it.

    Attributes:
        kind: Its class.
    """

    kind: type[_StreamFeature_co]

    @property
    def name(self) -> str:
        """As ACS names it, or our own name."""
        return self.kind.NAME
