"""What a plane counted of one connection, as values."""

from __future__ import annotations

from acs_core.service.sfu.plane.messages import ConnectionStats, ConsumerStats, ProducerStats
from acs_core.service.sfu.plane.state import ConsumerState, ProducerState, TransportState

__all__ = ["count"]


def count(transport: TransportState, now: float) -> ConnectionStats:
    """Take a snapshot of the streams in and out of a connection.

    Args:
        transport: The connection.
        now: Seconds of the caller's clock.
    """
    return ConnectionStats(
        now,
        {producer.id: _count_in(producer) for producer in transport.producers},
        {consumer.id: _count_out(consumer) for consumer in transport.consumers},
    )


def _count_in(producer: ProducerState) -> ProducerStats:
    reception, nack = producer.reception, producer.nack
    return ProducerStats(
        packets=reception.packets_received,
        octets=reception.bytes_received,
        lost=reception.packets_lost,
        jitter=reception.jitter_seconds,
        repaired=nack.repaired,
        given_up=nack.gave_up,
        last_arrival=producer.newest_at if producer.newest_sequence is not None else None,
    )


def _count_out(consumer: ConsumerState) -> ConsumerStats:
    producer = consumer.producer
    # Positional: there are hundreds of them on each connection of a large call.
    return ConsumerStats(
        None if producer is None else producer.id,
        consumer.packets,
        consumer.octets,
        consumer.resent,
        consumer.rewriter.is_open,
        consumer.rewriter.timestamp_offset & 0xFFFF_FFFF,
        0 if producer is None else producer.reception.packets_lost,
    )
