"""One client in one call: what it offers, what it receives, whether it can be reached.

A publication becomes receivable when its source (media or data channel) is known: the adapter says
so with `Endpoint.attach`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import (
    ConnectionState,
    EndpointAttributes,
    EndpointChanged,
    EndReason,
    Fact,
    Priority,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
)
from acs_core.core.receiving import Forwarding, PauseReason
from acs_core.core.rules import RuleSubject, TrackRules, includes
from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.service.admission import check_audience, check_enabling, check_policy, is_sid
from acs_core.service.identity import Principal
from acs_core.service.sfu.producer import Producer
from acs_core.service.transcription import Transcription

if TYPE_CHECKING:
    from acs_core.service.calls import ServerCall
    from acs_core.service.sfu.quality import ClientReport
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["Endpoint", "EndpointObserver", "MediaSource", "Publication", "Subscription"]

_log = logging.getLogger(__name__)


class EndpointObserver:
    """The adapter behind an endpoint; called on the event loop, must not block.

    What it raises is logged, and costs neither the call nor the other adapters anything.

    Adapters derive from it and override what their protocol can tell; the rest does nothing.
    """

    @property
    def transports(self) -> Sequence[MediaTransport]:
        """The endpoint's media connections as of now."""
        return ()

    @property
    def client_report(self) -> ClientReport | None:
        """What the client last measured of its network itself; None if it does not say."""
        return None

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        """The roster changed; `revision` is that of the last fact."""

    def on_subscriptions(self) -> None:
        """`Endpoint.subscriptions` changed."""

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Network quality levels of endpoints in the call changed."""

    def on_forwarding(self, changes: tuple[Forwarding, ...]) -> None:
        """Subscribed videos were switched off or on, or are off for another reason.

        Names only those that changed; everything is on until told otherwise. What was told stays
        true of a publication that is unsubscribed, and subscribed again. Another layer is no
        change: `Endpoint.forwardings` has it.
        """

    def on_layer_demand(self, publication: str, layers: tuple[bool, ...]) -> None:
        """Which simulcast layers of the endpoint's own publication somebody receives.

        Smallest first; only told of publications with several layers, when it changed. At first
        all are received.
        """

    def on_transcription(self, transcription: Transcription) -> None:
        """Somebody in the call said something, and it was transcribed."""

    def on_withdrawn(self, publication: str) -> None:
        """One of the endpoint's own publications was withdrawn by others; its facts follow."""

    def on_media_missing(self, publication: str, *, is_missing: bool) -> None:
        """The recording gets no media of the endpoint's own publication, or gets it again."""

    def on_notice(self, notice: wire.Notice) -> None:
        """News for this endpoint alone; personalities that cannot tell it pass it over."""

    def on_ended(self, reason: EndReason) -> None:
        """The endpoint is out of the call; the last thing its adapter hears."""


class MediaSource(Protocol):
    """Where a publication comes from: an RTP producer or a data source."""

    @property
    def id(self) -> str:
        """Unique in the service."""


@dataclass(slots=True, eq=False)
class Publication:
    """A stream offered to a call.

    Attributes:
        info: What the roster says about it.
        owner: Who offers it.
        source: Where its media comes from, once that is known.
        audience: Raw ids of who may receive it; empty for everybody.
        is_permitted: The owner may send it now; else nobody receives it.
        is_silenced: Until the owner enables it, nothing of it is forwarded, whatever the owner's
            client goes on sending. Only of what is disabled.
        offered_at: Unix seconds.
    """

    info: PublicationInfo
    owner: Endpoint
    source: MediaSource | None = None
    audience: frozenset[str] = frozenset()
    is_permitted: bool = True
    is_silenced: bool = False
    offered_at: float = 0.0

    @property
    def id(self) -> str:
        """32 hex digits."""
        return self.info.id

    def take(self, source: MediaSource | None) -> None:
        """Come from another source, which is as silent as this publication is."""
        self.source = source
        self.silence(self.is_silenced)

    def silence(self, is_silenced: bool) -> None:
        """Forward nothing of it, or what its owner sends."""
        self.is_silenced = is_silenced
        if isinstance(self.source, Producer):
            self.source.mute(is_silenced)

    def as_rule_subject(self) -> RuleSubject:
        """How rules name it: by Twilio's ids, by its and its publisher's name.

        A name that has the form of an id is left out: whoever took it could be meant to be
        somebody else.
        """
        owner, name = self.owner, self.info.name
        names = set() if is_sid(name, "MT") else {name}
        identities = set() if is_sid(owner.identity, "PA") else {owner.identity}
        return RuleSubject(
            kind="data" if self.info.kind is PublicationKind.DATA else self.info.kind.media,
            publisher=frozenset({f"PA{owner.id}"} | identities),
            track=frozenset({f"MT{self.id}"} | names),
            priority=self.info.priority,
        )


@dataclass(frozen=True, slots=True)
class Subscription:
    """That an endpoint receives a publication, from this source."""

    publication: Publication
    source: MediaSource


@dataclass(eq=False)
class Endpoint:
    """One connected client of an identity, in one call."""

    id: str
    principal: Principal
    call: ServerCall
    observer: EndpointObserver
    policy: wire.ReceivePolicy
    state: ConnectionState = ConnectionState.CONNECTED
    rules: TrackRules | None = None
    _named: frozenset[str] = frozenset()
    _publications: dict[str, Publication] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _forwardings: dict[str, Forwarding] = field(default_factory=dict)
    _told_reasons: dict[str, PauseReason] = field(default_factory=dict)
    _layer_demands: dict[str, tuple[bool, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the policy for look-ups."""
        self._named = _named(self.policy)

    @property
    def publications(self) -> Mapping[str, Publication]:
        """What this endpoint offers, by publication id."""
        return MappingProxyType(self._publications)

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """What this endpoint is to receive now, by publication id, in order of publishing."""
        return MappingProxyType(self._subscriptions)

    @property
    def forwardings(self) -> Mapping[str, Forwarding]:
        """What is forwarded of the subscribed videos, by publication id."""
        return MappingProxyType(self._forwardings)

    @property
    def layer_demands(self) -> Mapping[str, tuple[bool, ...]]:
        """Which layers of this endpoint's own publications are received, smallest first.

        Only of publications with several layers; all are received of one that is missing here.
        """
        return MappingProxyType(self._layer_demands)

    @property
    def identity(self) -> str:
        """Who it is in Twilio's words: its identity there, else its raw id."""
        return self.principal.display_name or self.principal.raw_id

    @property
    def attributes(self) -> EndpointAttributes:
        """What the roster says of it besides its media; only while it is in the call."""
        return self.call.roster.endpoints[self.id].attributes

    @property
    def is_in_call(self) -> bool:
        """False once the endpoint left or was removed."""
        return self.state is not ConnectionState.DISCONNECTED

    def tell(self, say: Callable[[EndpointObserver], None]) -> None:
        """Tell the adapter something; its failure is logged, and nobody else's."""
        try:
            say(self.observer)
        except Exception:
            _log.exception("the adapter of endpoint %s failed", self.id)

    def notify(self, notice: wire.Notice) -> None:
        """Tell the adapter a piece of news."""
        self.tell(lambda observer: observer.on_notice(notice))

    def publish(self, wanted: Iterable[wire.NewPublication]) -> tuple[PublicationInfo, ...]:
        """Offer streams to the call.

        Raises:
            ServiceError: Too many publications.
            InvalidArgumentError: A name is too long or used twice.
        """
        self._require_in_call()
        return self.call.publish(self, tuple(wanted))

    def check(self, wanted: Iterable[wire.NewPublication]) -> None:
        """Refuse what `publish` would refuse, and change nothing; raises the same errors."""
        self._require_in_call()
        chosen = tuple(wanted)
        self.call.activity.check_may_send(self, (item.kind for item in chosen if item.enabled))
        self.call.check_publications(self, chosen)

    def add(self, publication: Publication) -> None:
        """Take a new publication; `ServerCall` does this before it tells the others."""
        self._publications[publication.id] = publication

    def attach(self, publication_id: str, source: MediaSource | None) -> None:
        """Say where a publication's media comes from; None when it is gone for the moment."""
        publication = self._publications.get(publication_id)
        if publication is None or publication.source is source:
            return
        publication.take(source)
        self.call.refresh_subscriptions()
        self.call.tell_recording()

    def update(self, publication_id: str, *, enabled: bool, priority: Priority) -> None:
        """Enable, disable or re-prioritise a publication of this endpoint.

        Raises:
            InvalidArgumentError: It does not publish that.
            ServiceError: 403/41106, 403/41107: it may not enable this for now; 400/41108 to 41110:
                it must agree to being recorded first.
        """
        publication = self._own(publication_id)
        if enabled and not publication.info.enabled:
            check_enabling(publication.info.kind, self.attributes, self.call.type)
            self.call.activity.check_may_send(self, (publication.info.kind,))
        if enabled:
            publication.silence(False)
        if (publication.info.enabled, publication.info.priority) != (enabled, priority):
            self.call.commit(
                PublicationChanged(publication=publication_id, enabled=enabled, priority=priority)
            )

    def silence(self, publication_id: str, *, silent_for: Endpoint | None = None) -> bool:
        """Forward nothing of a publication until its owner enables it; disable it, if it is not.

        Who has it disabled is not taken at their word, either.

        Args:
            publication_id: Of this endpoint.
            silent_for: Who learns it from a snapshot.

        Returns:
            Whether it was enabled.
        """
        publication = self._own(publication_id)
        publication.silence(True)
        if not publication.info.enabled:
            return False
        self.call.commit(
            PublicationChanged(
                publication=publication_id, enabled=False, priority=publication.info.priority
            ),
            silent_for=silent_for,
        )
        return True

    def set_audience(self, publication_id: str, audience: Iterable[str]) -> None:
        """Choose who may receive a publication of this endpoint.

        Args:
            publication_id: Which.
            audience: Raw ids; empty for everybody.

        Raises:
            InvalidArgumentError: It does not publish that, or names too many.
        """
        publication = self._own(publication_id)
        chosen = tuple(audience)
        check_audience(chosen)
        publication.audience = frozenset(chosen)
        self.call.refresh_subscriptions()

    def withdraw(self, publication_id: str) -> None:
        """Take a publication away from the endpoint, which did not ask for it."""
        self.tell(lambda observer: observer.on_withdrawn(publication_id))
        self.unpublish(publication_id)

    def unpublish(self, publication_id: str) -> None:
        """Withdraw a publication.

        Raises:
            InvalidArgumentError: It does not publish that.
        """
        self._own(publication_id)
        del self._publications[publication_id]
        self._layer_demands.pop(publication_id, None)
        self.call.commit(PublicationRemoved(publication=publication_id))
        self.call.refresh_subscriptions()

    def check_own(self, publication_ids: Iterable[str]) -> None:
        """Refuse publications that are not this endpoint's, or are named twice.

        Raises:
            InvalidArgumentError: It does not publish that.
        """
        seen: set[str] = set()
        for publication_id in publication_ids:
            self._own(publication_id)
            if publication_id in seen:
                raise InvalidArgumentError(
                    f"Publication {publication_id} is named twice.", stage=Stage.SIGNALING
                )
            seen.add(publication_id)

    def set_policy(self, policy: wire.ReceivePolicy) -> None:
        """Choose what to receive.

        Raises:
            InvalidArgumentError: The policy names too many publications.
        """
        self._require_in_call()
        check_policy(policy, self.call.limits)
        was_listening, self.policy = self.policy.quality, policy
        self._named = _named(policy)
        self.refresh_subscriptions()
        self.call.changed(self)
        if policy.quality and not was_listening:
            self.tell_quality()

    def set_forwardings(self, forwardings: Mapping[str, Forwarding]) -> None:
        """Learn what is forwarded now, and tell the adapter what was switched off or on."""
        self._forwardings = dict(forwardings)
        gone = [key for key in self._told_reasons if self.call.roster.publication(key) is None]
        for key in gone:
            del self._told_reasons[key]
        changes = tuple(
            forwarding
            for key, forwarding in forwardings.items()
            if forwarding.reason is not self._told_reasons.get(key)
        )
        for forwarding in changes:
            if forwarding.reason is None:
                del self._told_reasons[forwarding.publication]
            else:
                self._told_reasons[forwarding.publication] = forwarding.reason
        if changes and self.is_in_call:
            self.tell(lambda observer: observer.on_forwarding(changes))

    def set_layer_demand(self, publication_id: str, layers: tuple[bool, ...]) -> None:
        """Learn which layers of an own publication are received, and tell the adapter."""
        if self.is_in_call and publication_id in self._publications:
            before = self._layer_demands.get(publication_id, (True,) * len(layers))
            self._layer_demands[publication_id] = layers
            if layers != before:
                self.tell(lambda observer: observer.on_layer_demand(publication_id, layers))

    def forget_layer_demand(self, publication_id: str) -> None:
        """An own publication has no layers any more."""
        self._layer_demands.pop(publication_id, None)

    def set_rules(self, rules: TrackRules | None) -> None:
        """Let rules decide what is received, in place of the policy's choice.

        Args:
            rules: None lets the policy choose again.
        """
        self._require_in_call()
        self.rules = rules
        self.refresh_subscriptions()

    def tell_quality(self) -> None:
        """Tell the adapter the network quality levels as of now, if it wants to know."""
        if self.is_in_call and self.policy.quality and self.call.quality:
            self.tell(lambda observer: observer.on_quality(self.call.quality))

    def set_reachable(self, *, is_reachable: bool) -> None:
        """Tell the call that the endpoint's link was lost or is back."""
        state = ConnectionState.CONNECTED if is_reachable else ConnectionState.RECONNECTING
        if self.is_in_call and self.state is not state:
            self.state = state
            self.call.commit(EndpointChanged(endpoint=self.id, state=state))

    def leave(self, reason: EndReason = endings.HUNG_UP) -> None:
        """Leave the call, for this reason; does nothing when it has left already."""
        self.call.remove(self, reason, tell=False)

    def refresh_subscriptions(self) -> None:
        """Work out again what is to be received, and tell the adapter about a change."""
        wanted = {
            publication.id: Subscription(publication, publication.source)
            for publication in self.call.publications
            if publication.owner is not self
            and publication.source is not None
            and publication.is_permitted
            and self._wants(publication)
        }
        if wanted != self._subscriptions:
            self._subscriptions = wanted
            self.tell(lambda observer: observer.on_subscriptions())
            # After the adapter: it forwards the new ones first, then they may be paused.
            self.call.changed(self)

    def _wants(self, publication: Publication) -> bool:
        if publication.audience and self.principal.raw_id not in publication.audience:
            return False
        if self.rules is not None:
            return includes(self.rules, publication.as_rule_subject())
        return (publication.id in self._named) is not self.policy.automatic

    def _own(self, publication_id: str) -> Publication:
        self._require_in_call()
        publication = self._publications.get(publication_id)
        if publication is None:
            raise InvalidArgumentError(
                f"Publication {publication_id} is not one of this endpoint.",
                code=404,
                stage=Stage.SIGNALING,
            )
        return publication

    def _require_in_call(self) -> None:
        if not self.is_in_call:
            raise InvalidStateError("The endpoint has left the call.", stage=Stage.SIGNALING)


def _named(policy: wire.ReceivePolicy) -> frozenset[str]:
    """The publications that a policy makes exceptions of."""
    return frozenset(policy.without if policy.automatic else policy.only)
