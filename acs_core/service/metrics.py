"""What the service tells Prometheus: read at each scrape, nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from acs_core.service.calls import Calls, ServerCall
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.webhooks import DeliveryState, Webhooks

__all__ = ["Metrics"]

COUNT_AGE: Final = 1.0
"""Seconds: longer than between two reports to a connection, which count it anyway."""


class Metrics(Collector):
    """The service's figures in Prometheus' text format."""

    def __init__(
        self,
        calls: Calls,
        engine: SfuEngine,
        sessions: Callable[[], int],
        loop_lag: Callable[[], float],
        webhooks: Webhooks,
    ) -> None:
        self._calls = calls
        self._engine = engine
        self._sessions = sessions
        self._loop_lag = loop_lag
        self._webhooks = webhooks
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """The exposition, content type ``text/plain; version=0.0.4``."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Read everything; called by the Prometheus client."""
        calls = list(self._calls.live.values())
        stats = self._engine.stats(max_age=COUNT_AGE)
        producers, consumers = stats.producers.values(), stats.consumers.values()
        gauges = {
            "calls": ("Live calls.", len(calls)),
            "rooms": ("Twilio rooms in progress.", self._calls.rooms.sessions),
            "waiting_rooms": ("Rooms without participants.", sum(c.is_waiting for c in calls)),
            "endpoints": ("Endpoints in calls.", sum(len(call.endpoints) for call in calls)),
            "publications": ("Publications.", sum(len(call.publications) for call in calls)),
            "sessions": ("Signaling sessions, also lost ones in their window.", self._sessions()),
            "transports": ("Media connections.", len(self._engine.transports)),
            "producers": ("Streams in.", len(producers)),
            "consumers": ("Streams out.", len(consumers)),
            "switched_off_videos": ("Subscribed and not forwarded.", _switched_off(calls)),
            "loop_lag_seconds": ("How late the event loop was last.", self._loop_lag()),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"calling_{name}", text, value=value)
        # Of live streams only: a stream that ends takes its counts along, hence gauges.
        live = {
            "received_packets": ("RTP packets of live streams in.", (p.packets for p in producers)),
            "received_bytes": ("RTP bytes of live streams in.", (p.octets for p in producers)),
            "repaired_packets": ("Lost, asked for, arrived.", (p.repaired for p in producers)),
            "sent_packets": ("RTP packets of live streams out.", (c.packets for c in consumers)),
            "sent_bytes": ("RTP payload of live streams out.", (c.octets for c in consumers)),
            "resent_packets": ("Packets answered to NACKs.", (c.resent for c in consumers)),
        }
        for name, (text, values) in live.items():
            yield GaugeMetricFamily(f"calling_{name}", text, value=sum(values))
        yield CounterMetricFamily(
            "calling_refused_rooms",
            "Rooms that were one too many.",
            value=self._calls.refused_rooms,
        )
        webhooks = self._webhooks.counts
        waiting = webhooks[DeliveryState.PENDING]
        yield GaugeMetricFamily("calling_waiting_webhooks", "Webhooks to deliver.", value=waiting)
        outcomes = CounterMetricFamily("calling_webhooks", "Webhooks by end.", labels=["outcome"])
        for state in (DeliveryState.DELIVERED, DeliveryState.FAILED):
            outcomes.add_metric([state], webhooks[state])
        yield outcomes
        dropped = CounterMetricFamily(
            "calling_dropped_datagrams", "Datagrams that nobody got.", labels=["reason"]
        )
        for reason, count in {**self._engine.port.counters, **stats.dropped}.items():
            dropped.add_metric([reason], count)
        yield dropped


def _switched_off(calls: Iterable[ServerCall]) -> int:
    return sum(
        not forwarding.is_on
        for call in calls
        for endpoint in call.endpoints.values()
        for forwarding in endpoint.forwardings.values()
    )
