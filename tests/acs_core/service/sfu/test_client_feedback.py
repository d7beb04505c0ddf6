from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from acs_core.rtc.feedback import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from acs_core.service.sfu.changes import Layer, StreamAccepted, StreamReceived
from acs_core.service.sfu.client_feedback import BLOCK_LIFETIME, ClientFeedback
from acs_core.service.sfu.plane.messages import Command, NoteSenderReport, Plane, Resend
from acs_core.service.sfu.producer import Consumer, Producer, ProducerLayer
from acs_core.service.sfu.transport import MediaTransport

LAYERS = (Layer("q", 10, None), Layer("f", None, None))
STREAM = StreamReceived("0", "video", LAYERS, "-", "t", {96: "vp8/90000"}, {}, {})


class Scene:
    """A client that sends SSRC 10 and is sent SSRC 20; writes down what follows from feedback."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.keyframes: list[ProducerLayer] = []
        self.now = 5.0
        plane = SimpleNamespace(handle=lambda command, now: self.commands.append(command))
        transport = SimpleNamespace(request_keyframe=self.keyframes.append)
        self.producer = Producer("p", STREAM, cast("MediaTransport", transport))
        self.small, self.large = self.producer.layers
        self.consumer = Consumer("c", "key", self.producer, cast("MediaTransport", transport))
        self.feedback = ClientFeedback(cast("Plane", plane), lambda: self.now)
        self.feedback.producer_added(self.producer)
        self.send_as(20)

    def send_as(self, ssrc: int) -> None:
        self.consumer.accepted = StreamAccepted("key", "0", ssrc, None, {}, {}, {})
        self.feedback.consumer_changed(self.consumer)


def block(ssrc: int) -> ReportBlock:
    return ReportBlock(ssrc, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_is_missed_is_sent_again(scene: Scene) -> None:
    scene.feedback.take([Nack(1, 20, (7, 8)), Nack(1, 99, (7,))])
    assert scene.commands == [Resend("c", (7, 8))]


def test_a_lost_picture_asks_the_publisher(scene: Scene) -> None:
    scene.feedback.take(
        [
            PictureLossIndication(1, 20),
            PictureLossIndication(1, 99),
            FullIntraRequest(1, ((20, 0), (99, 0))),
        ]
    )
    assert scene.keyframes == [scene.small] * 2
    scene.consumer.forwarded = scene.large
    scene.feedback.take([PictureLossIndication(1, 20)])
    assert scene.keyframes[2:] == [scene.large]


@pytest.mark.parametrize("state", ["is_paused", "is_stopped"])
def test_nobody_loses_pictures_that_are_not_sent(scene: Scene, state: str) -> None:
    setattr(scene.consumer, state, True)
    scene.feedback.take([PictureLossIndication(1, 20), FullIntraRequest(1, ((20, 0),))])
    assert scene.keyframes == []


def test_reports_about_streams_that_are_sent_are_kept(scene: Scene) -> None:
    scene.feedback.take([ReceiverReport(1)])
    assert scene.feedback.heard_at(20) is None
    scene.feedback.take([ReceiverReport(1, (block(20), block(99))), Remb(1, 123_000, (20,))])
    assert dict(scene.feedback.received_blocks) == {20: block(20)}
    assert scene.feedback.heard_at(20) == 5.0
    assert scene.feedback.heard_at(99) is None
    assert scene.feedback.downlink_bps == 123_000


def test_a_report_that_was_not_repeated_says_nothing_any_more(scene: Scene) -> None:
    scene.feedback.take([ReceiverReport(1, (block(20),))])
    scene.now += BLOCK_LIFETIME + 0.1
    scene.feedback.take([ReceiverReport(1)])
    assert scene.feedback.received_blocks == {}
    assert scene.feedback.heard_at(20) == 5.0


def test_a_clock_goes_to_the_stream_of_its_ssrc(scene: Scene) -> None:
    clock = SenderReport(10, 1, 2, 3, 4, (block(20),))
    stray = SenderReport(11, 1, 2, 3, 4)
    scene.feedback.take([SourceDescription(()), clock, stray])
    assert scene.small.sender_report == clock
    assert scene.large.sender_report is None
    assert scene.commands == [NoteSenderReport("p", clock)]
    assert set(scene.feedback.received_blocks) == {20}


def test_a_renumbered_stream_is_known_by_its_new_ssrc_only(scene: Scene) -> None:
    scene.feedback.take([ReceiverReport(1, (block(20),))])
    scene.send_as(21)
    assert not scene.feedback.received_blocks
    scene.feedback.take([PictureLossIndication(1, 20), PictureLossIndication(1, 21)])
    assert scene.keyframes == [scene.small]


def test_streams_that_ended_are_forgotten(scene: Scene) -> None:
    scene.feedback.consumer_removed(scene.consumer)
    scene.feedback.producer_removed(scene.producer)
    scene.feedback.take([PictureLossIndication(1, 20), SenderReport(10, 1, 2, 3, 4)])
    assert not scene.keyframes
    assert scene.small.sender_report is None


def test_a_layer_whose_packets_were_found_later_has_a_clock_too(scene: Scene) -> None:
    scene.large.ssrc = 12
    scene.feedback.layer_found(scene.large)
    clock = SenderReport(12, 1, 2, 3, 4)
    scene.feedback.take([clock])
    assert scene.large.sender_report == clock
    assert scene.commands == [NoteSenderReport("p.1", clock)]


def test_a_stream_that_took_over_an_ssrc_keeps_it_when_the_former_one_ends(scene: Scene) -> None:
    successor = Producer("q", STREAM, scene.producer.transport)
    scene.feedback.producer_added(successor)
    scene.feedback.producer_removed(scene.producer)
    scene.feedback.take([SenderReport(10, 1, 2, 3, 4)])
    assert scene.commands == [NoteSenderReport("q", SenderReport(10, 1, 2, 3, 4))]
