"""Sound carries copies of itself that mend a lost packet (Opus in-band FEC)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from acs_core.media.frames import Samples
from acs_core.media.opus import LibopusDecoder, create_opus_decoder
from acs_core.media.sources import ToneSource
from acs_core.rtc.feedback import ReceiverReport, ReportBlock
from acs_core.service.sfu.engine import SfuEngine
from tests.support.engine_peers import (
    Side,
    TappedPublisher,
    TappedSubscriber,
    offer_streams,
    take_offer,
)
from tests.support.events import until

PACKETS = 60
FRAME_SAMPLES = 960


def has_copy(payload: bytes) -> bool:
    """Whether a 20 ms mono packet holds a copy of its predecessor.

    Source: RFC 6716 sections 3.1 (TOC) and 4.2.3 (after the VAD flag comes the LBRR flag); CELT
    packets, configurations 16 and up, have none.
    """
    configuration = payload[0] >> 3
    return configuration < 16 and len(payload) > 1 and bool(payload[1] & 0x40)


async def test_packets_carry_their_predecessors_and_a_decoder_can_use_them(
    engine: SfuEngine,
) -> None:
    publisher, subscriber = TappedPublisher(), TappedSubscriber()
    try:
        publisher.add_stream("a", ToneSource(220.0))
        incoming, outgoing = Side(engine), Side(engine)
        await offer_streams(incoming, publisher)
        outgoing.forward(incoming.transport.producers)
        await take_offer(outgoing, subscriber)
        await until(lambda: len(subscriber.packets) >= PACKETS)
    finally:
        await subscriber.close()
        await publisher.close()
    payloads = [
        data[header.payload_offset : header.payload_end] for header, data in subscriber.packets
    ]
    # libopus leaves it out where its own concealment will do; a steady tone is such a case.
    assert sum(map(has_copy, payloads)) >= 10

    decoder = create_opus_decoder()
    assert isinstance(decoder, LibopusDecoder)
    heard: list[Samples] = []
    for payload, following in itertools.pairwise(payloads):
        # Nothing but copies: what concealment could make up of neighbors is not there.
        if has_copy(following):
            heard.append(decoder.conceal(FRAME_SAMPLES, following))
        else:
            decoder.decode(payload)
    recovered = np.concatenate(heard)[:, 0]
    level = -20 * np.log10(np.sqrt(np.mean((recovered / 32768) ** 2)))
    assert level == pytest.approx(20, abs=3)


async def test_reported_loss_is_what_the_encoder_reckons_with(engine: SfuEngine) -> None:
    publisher = TappedPublisher()
    try:
        sender = publisher.add_stream("a", ToneSource(220.0))
        incoming = Side(engine)
        await offer_streams(incoming, publisher)
        assert sender.ssrc is not None
        # A quarter was lost, the service says.
        block = ReportBlock(sender.ssrc, 64, 100, 1000, 0, 0, 0)
        incoming.transport.send_rtcp([ReceiverReport(1, (block,))])
        await until(lambda: sender.stats(0.0).fraction_lost == 0.25)
    finally:
        await publisher.close()
