"""Media signaling: what a client and the service tell each other over data channels.

Theory of operation. A client asks for features when it connects; `announce` opens a data channel
for each that we have, and says under which label. The client finds the channel by the label and
says that it is ready; what is said before that would be lost, so nothing is. A client that takes
leave of a connection passes over what is announced before it has seen the last channel of that
close, and says nothing: while a channel is open and its client is not ready, it is announced again.
A client that is ready gets the present state first, then the changes. What it says becomes a change
of its endpoint's receive policy, or an answer. Labels stay the same for as long as their channels
live; after that (another connection, for instance) `announce` opens and names new ones.

Nothing that a client says here ends anything: what cannot be read, or is too much, is passed over.

Source: twilio-video.js 2.36, `lib/signaling/v2/*signaling.js`.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from acs_core.core.facts import SpeakersChanged
from acs_core.core.receiving import Forwarding, ReceiveHint, ReceivePolicy, ReceivePriority
from acs_core.errors import CallingError
from acs_core.rtc.data import DataChannel, DataChannelState
from acs_core.service.endpoints import Endpoint
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.quality import ClientReport
from acs_core.service.transcription import Transcription
from twilio_compat.gateway import media_messages as messages
from twilio_compat.gateway.media_messages import Channel, ClientMessage, HintResult
from twilio_compat.gateway.messages import publication_of
from twilio_compat.gateway.reminders import Reminder

__all__ = ["Allowance", "Channel", "MediaSignaling"]

_log = logging.getLogger(__name__)

REPORT_RATE: Final = 2.0
REPORT_BURST: Final = 10.0
"""Reports of network quality that are answered; a client says one a second."""

HINT_REPEATS: Final = 3
"""How often a publisher hint is said again to a client that does not know its track yet."""


class Allowance:
    """How much may come: so many at once, and as many again per second as `rate` says.

    Args:
        rate: Per second.
        burst: At once.
        now: Seconds of a monotonic clock.
    """

    def __init__(self, *, rate: float, burst: float, now: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._left = burst
        self._at = now()

    def take(self) -> bool:
        """Use one up; False when there is none."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(slots=True)
class _Open:
    """One channel of ours; `is_ready` once the client listens."""

    label: str
    channel: DataChannel
    is_ready: bool = False

    @property
    def is_alive(self) -> bool:
        return self.channel.state in (DataChannelState.CONNECTING, DataChannelState.OPEN)


class MediaSignaling:
    """The media signaling of one client; `close` it once.

    Args:
        endpoint: Whose; it is in the call.
        open_channel: Opens a reliable, ordered channel with this label on the client's present
            connection; what it raises leaves the feature out.
        supported: The features that we have.
        new_label: Gives a text that was never given before.
        allowance: For what the client says on all channels; 50 messages a second unless given.
        repeat_after: Seconds until a publisher hint about a track that the client does not know
            yet is said again.
        on_unheard: Takes what `announce` gave, to be told to the client again.
        remind_after: Seconds until it is told again for the first time.
        max_hints: How many videos the client may give hints about, and tracks priorities.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        open_channel: Callable[[str], DataChannel],
        *,
        supported: Collection[Channel] = tuple(Channel),
        new_label: Callable[[], str] = lambda: str(uuid.uuid4()),
        allowance: Allowance | None = None,
        repeat_after: float = 1.0,
        on_unheard: Callable[[dict[str, object]], None] = lambda _: None,
        remind_after: float = 2.0,
        max_hints: int = 500,
    ) -> None:
        self._endpoint = endpoint
        self._open_channel = open_channel
        self._supported = frozenset(supported)
        self._new_label = new_label
        self._loop = asyncio.get_running_loop()
        self._allowance = allowance or Allowance(rate=50, burst=500, now=self._loop.time)
        self._reports = Allowance(rate=REPORT_RATE, burst=REPORT_BURST, now=self._loop.time)
        self._repeat_after = repeat_after
        self._on_unheard = on_unheard
        self._reminder = Reminder(self._remind, first=remind_after)
        self._max_hints = max_hints
        self._wanted: tuple[Channel, ...] = ()
        self._channels: dict[Channel, _Open] = {}
        self._awaited: dict[Channel, str] = {}
        self._dominant: str | None = None
        self._off: set[str] = set()
        self._repeats: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._hint_number = 0
        self._client_report: ClientReport | None = None
        self._is_closed = False

    @property
    def client_report(self) -> ClientReport | None:
        """What the client last measured itself; None before it said anything."""
        return self._client_report

    def announce(self, requested: Mapping[str, object] | None = None) -> dict[str, object]:
        """Open what the client asked for and is not open; the `media_signaling` object for it.

        The connection may need an offer afterwards, to carry data at all.

        Args:
            requested: The client's `media_signaling`; None for what it asked for before.
        """
        if requested is not None:
            self._wanted = tuple(
                kind
                for kind in Channel
                if kind in self._supported and _takes_data_channel(requested.get(kind))
            )
        if not self._is_closed:
            for kind in self._wanted:
                self._ensure(kind)
        if Channel.NETWORK_QUALITY in self._channels:
            self._change_policy(msgspec.structs.replace(self._endpoint.policy, quality=True))
        if self._channels and not self._is_closed:
            self._reminder.start()
        return self._announcement

    def forget(self) -> None:
        """The connection is another one from now on; `announce` when the client offers it.

        A client that never saw a channel goes on waiting for it under the label that it was told.
        """
        self._reminder.stop()
        for kind, opened in self._channels.items():
            if not opened.is_ready:
                self._awaited[kind] = opened.label
            opened.channel.on_message = None
            opened.channel.close()
        self._channels.clear()

    def close(self) -> None:
        """Close all channels. Closing again does nothing."""
        self._is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.forget()

    # ------------------------------------------------------------ what the endpoint's adapter hears

    def on_speakers(self, speakers: SpeakersChanged) -> None:
        """Who speaks changed."""
        if speakers.dominant != self._dominant:
            before, self._dominant = self._dominant, speakers.dominant
            if speakers.dominant is None and before not in self._endpoint.call.roster.endpoints:
                return  # The client knows who left; it would tell its program twice.
            self._send(Channel.ACTIVE_SPEAKER, messages.active_speaker(self._dominant))

    def on_forwarding(self, changes: tuple[Forwarding, ...]) -> None:
        """What is forwarded to the client changed."""
        self._send_switched_off(has_forgotten=False)

    def on_layer_demand(self, publication: str, layers: tuple[bool, ...]) -> None:
        """Which layers of the client's own publication are needed changed."""
        self._repeats[publication] = HINT_REPEATS
        self._send_demands({publication: layers})

    def on_transcription(self, transcription: Transcription) -> None:
        """Somebody said something."""
        self._send(Channel.TRANSCRIPTIONS, messages.transcription(transcription))

    # ------------------------------------------------------------ channels

    @property
    def _announcement(self) -> dict[str, object]:
        return {
            kind: {"transport": {"type": "data-channel", "label": opened.label}}
            for kind, opened in self._channels.items()
        }

    def _remind(self) -> bool:
        unready = [opened for opened in self._channels.values() if not opened.is_ready]
        if any(opened.channel.state == DataChannelState.OPEN for opened in unready):
            self._on_unheard(self._announcement)
        return bool(unready)

    def _ensure(self, kind: Channel) -> None:
        before = self._channels.pop(kind, None)
        if before is not None and before.is_alive:
            self._channels[kind] = before
            return
        label = self._awaited.pop(kind, None) or self._new_label()
        try:
            channel = self._open_channel(label)
        except CallingError as error:
            _log.warning("media signaling channel %s cannot be opened: %s", kind, error)
            return
        opened = _Open(label, channel)
        channel.on_message = lambda data: self._received(kind, opened, data)
        self._channels[kind] = opened

    def _send(self, kind: Channel, message: Mapping[str, object]) -> bool:
        """Say something; False when the client does not hear it."""
        opened = self._channels.get(kind)
        if opened is None or not opened.is_ready:
            return False
        try:
            opened.channel.send(msgspec.json.encode(message).decode())
        except CallingError as error:
            _log.debug("a %s message was not sent: %s", kind, error)
            return False
        return True

    def _received(self, kind: Channel, opened: _Open, data: str | bytes) -> None:
        if self._channels.get(kind) is not opened or not self._endpoint.is_in_call:
            return
        if not self._allowance.take():
            _log.debug("too many messages on channel %s", kind)
            return
        message = messages.decode(data)
        if message is None:
            _log.debug("a message on channel %s cannot be read", kind)
            return
        self._handle(kind, opened, message)

    def _handle(self, kind: Channel, opened: _Open, message: ClientMessage) -> None:
        match kind, message:
            case _, messages.Ready():
                opened.is_ready = True
                self._send_state(kind)
            case Channel.NETWORK_QUALITY, messages.QualityReport():
                self._answer_report(message)
            case Channel.TRACK_PRIORITY, messages.TrackPriority():
                self._take_priority(message)
            case Channel.RENDER_HINTS, messages.RenderHints():
                self._take_hints(message)
            case Channel.PUBLISHER_HINTS, messages.PublisherHintResults():
                self._take_results(message)
            case Channel.PUBLISHER_HINTS, messages.ClientReset():
                self._reset(publication_of(message.track))
            case _:
                _log.debug("%s is not said on channel %s", type(message).__name__, kind)

    def _send_state(self, kind: Channel) -> None:
        """What a client that has just begun to listen must know."""
        match kind:
            case Channel.ACTIVE_SPEAKER:
                self._dominant = self._endpoint.call.roster.speakers.dominant
                # Nobody is what the client assumes; it would tell that to the application as news.
                if self._dominant is not None:
                    self._send(kind, messages.active_speaker(self._dominant))
            case Channel.TRACK_SWITCH_OFF:
                self._send_switched_off(has_forgotten=True)
            case Channel.PUBLISHER_HINTS:
                self._send_demands(self._endpoint.layer_demands)
            case _:
                pass

    def _send_switched_off(self, *, has_forgotten: bool) -> None:
        """Say what is off, and what is on again of that which the client believes to be off.

        Args:
            has_forgotten: Also say again what the client was told before.
        """
        roster = self._endpoint.call.roster
        off = {key for key, item in self._endpoint.forwardings.items() if not item.is_on}
        believed = {key for key in self._off if roster.publication(key) is not None}
        fresh, again = (off if has_forgotten else off - believed), believed - off
        if not fresh and not again:
            self._off = believed
        elif self._send(
            Channel.TRACK_SWITCH_OFF, messages.track_switch_off(sorted(fresh), sorted(again))
        ):
            self._off = off

    # ------------------------------------------------------------ network quality

    def _answer_report(self, report: messages.QualityReport) -> None:
        if not self._reports.take():
            _log.debug("too many reports of network quality")
            return
        self._client_report = report.measured
        # A client takes messages of so many bytes only (RFC 8841 section 6), and details of
        # everybody in a large room can be more: levels are worth more than details.
        for asked in (report, report.without_remote_details()):
            levels = self._endpoint.call.quality
            answer = messages.network_quality(self._endpoint.id, levels, asked)
            if self._send(Channel.NETWORK_QUALITY, answer):
                return

    # ------------------------------------------------------------ what the client wants to receive

    def _take_priority(self, message: messages.TrackPriority) -> None:
        publication = publication_of(message.track)
        if not self._is_foreign(publication):
            _log.debug("a priority for %r, which is no track of another's", message.track)
            return
        policy = self._endpoint.policy
        kept = {item.publication: item for item in policy.priorities}
        kept = {key: item for key, item in kept.items() if self._is_foreign(key)}
        kept.pop(publication, None)
        if message.subscribe is not None and len(kept) < self._max_hints:
            kept[publication] = ReceivePriority(publication=publication, priority=message.subscribe)
        self._change_policy(msgspec.structs.replace(policy, priorities=tuple(kept.values())))

    def _take_hints(self, message: messages.RenderHints) -> None:
        policy = self._endpoint.policy
        kept = {item.publication: item for item in policy.hints}
        kept = {key: item for key, item in kept.items() if self._is_foreign(key)}
        results: list[tuple[str, HintResult]] = []
        for value in message.subscriber.hints[: self._max_hints]:
            hint = messages.read_hint(value)
            if hint is None:
                track = value.get("track") if isinstance(value, dict) else None
                if isinstance(track, str):
                    results.append((track, HintResult.INVALID))
            else:
                results.append((hint.track, self._merge(kept, hint)))
        policy = msgspec.structs.replace(policy, hints=tuple(kept.values()))
        if not self._change_policy(policy):
            results = [(track, HintResult.COULD_NOT_APPLY) for track, _ in results]
        answer = messages.render_hints(message.subscriber.id, results)
        self._send(Channel.RENDER_HINTS, answer)

    def _merge(self, kept: dict[str, ReceiveHint], hint: messages.RenderHint) -> HintResult:
        """Add a hint to those before: what it does not speak of stays as it was."""
        publication = publication_of(hint.track)
        if not self._is_foreign(publication):
            return HintResult.UNKNOWN_TRACK
        if publication not in kept and len(kept) >= self._max_hints:
            return HintResult.COULD_NOT_APPLY
        before = kept.get(publication)
        enabled, size = hint.enabled, hint.size
        if before is not None:
            enabled = before.enabled if enabled is None else enabled
            size = before.size if size is None else size
        kept[publication] = ReceiveHint(publication=publication, enabled=enabled, size=size)
        return HintResult.OK

    def _is_foreign(self, publication: str) -> bool:
        owner = self._endpoint.call.roster.owner(publication)
        return owner is not None and owner.id != self._endpoint.id

    def _change_policy(self, policy: ReceivePolicy) -> bool:
        if policy == self._endpoint.policy:
            return True
        try:
            self._endpoint.set_policy(policy)
        except CallingError as error:
            _log.debug("a receive policy was refused: %s", error)
            return False
        return True

    # ------------------------------------------------------------ which layers are needed

    def _reset(self, publication: str) -> None:
        """The client replaced a track's source and waits to be told what to send."""
        own = self._endpoint.publications.get(publication)
        layers = self._endpoint.layer_demands.get(publication)
        if layers is None and own is not None and isinstance(own.source, Producer):
            # Nothing else was ever said: everything is wanted.
            layers = (True,) * len(own.source.layers)
        if layers is not None:
            self._send_demands({publication: layers})

    def _send_demand(self, publication: str) -> None:
        layers = self._endpoint.layer_demands.get(publication)
        if layers is not None:
            self._send_demands({publication: layers})

    def _send_demands(self, demands: Mapping[str, tuple[bool, ...]]) -> None:
        own = self._endpoint.publications
        self._repeats = {key: left for key, left in self._repeats.items() if key in own}
        demands = {key: layers for key, layers in demands.items() if key in own}
        for publication in demands:
            self._stop_timer(publication)
        if demands:
            self._hint_number += 1
            message = messages.publisher_hints(self._hint_number, demands)
            self._send(Channel.PUBLISHER_HINTS, message)

    def _take_results(self, message: messages.PublisherHintResults) -> None:
        for item in message.hints:
            if item.result == HintResult.OK:
                continue
            _log.debug("publisher hint %d for %s: %s", message.id, item.track, item.result)
            is_newest = message.id == self._hint_number
            if item.result == HintResult.UNKNOWN_TRACK or (
                item.result == HintResult.COULD_NOT_APPLY and is_newest
            ):
                self._repeat(publication_of(item.track))

    def _repeat(self, publication: str) -> None:
        """A hint overtook the news that its track is published, or the browser refused it."""
        left = self._repeats.get(publication, HINT_REPEATS)
        if left > 0 and publication in self._endpoint.publications:
            self._repeats[publication] = left - 1
            self._stop_timer(publication)
            self._timers[publication] = self._loop.call_later(
                self._repeat_after, self._send_demand, publication
            )

    def _stop_timer(self, publication: str) -> None:
        timer = self._timers.pop(publication, None)
        if timer is not None:
            timer.cancel()


def _takes_data_channel(requested: object) -> bool:
    """Whether a request of `media_signaling` names the transport that we have."""
    transports = requested.get("transports") if isinstance(requested, Mapping) else None
    return isinstance(transports, list | tuple) and any(
        isinstance(item, Mapping) and item.get("type") == "data-channel" for item in transports
    )
