from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from acs_core.core.receiving import Dimensions
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.layers import LayerState
from acs_core.service.sfu.plane.messages import ProducerStats
from acs_core.service.sfu.producer import Consumer, Producer, clock_rate, codec_name
from acs_core.service.sfu.transport import MediaTransport

NOWHERE = cast("MediaTransport", SimpleNamespace(id="t"))
GROUP = (Layer(None, 10, 11), Layer(None, 20, 21), Layer(None, 30, None))
NAMED = (Layer("f", None, None), Layer("h", None, None), Layer("q", None, None))


def producer(*layers: Layer, name: str = "p", codec: str = "vp8/90000") -> Producer:
    codecs = {96: codec}
    return Producer(name, StreamReceived("0", "video", layers, "-", "t", codecs, {}, {}), NOWHERE)


def consumer(source: Producer) -> Consumer:
    return Consumer("c", "key", source, NOWHERE)


def counts(packets: int, last_arrival: float | None, jitter: float = 0.0) -> ProducerStats:
    return ProducerStats(packets, packets * 10, 1, jitter, 2, 3, last_arrival)


def test_a_stream_without_layers_goes_by_its_own_id() -> None:
    assert producer(Layer(None, 10, None)).plane_ids == ("p",)
    assert producer(*GROUP).plane_ids == ("p", "p.1", "p.2")
    assert producer(*GROUP).ssrcs == (10, 20, 30)
    assert producer(*NAMED).ssrcs == ()


def test_the_plane_is_told_which_layers_are_of_one_stream() -> None:
    def streams(made: Producer) -> list[str | None]:
        commands = [layer.command() for layer in made.layers]
        return [command.stream for command in commands if command is not None]

    assert streams(producer(*GROUP)) == ["p"] * 3
    assert streams(producer(Layer(None, 10, None))) == [None]


def test_the_state_of_each_layer_is_told() -> None:
    made = producer(*GROUP)
    made.layers[1].is_active = True
    made.layers[1].dimensions = Dimensions(width=320, height=180)
    made.layers[1].bitrate.update(0, 0.0)
    made.layers[1].bitrate.update(1_000, 1.0)
    assert made.layer_states() == (
        LayerState(0, False, 0, None),
        LayerState(1, True, 8_000, Dimensions(width=320, height=180)),
        LayerState(2, False, 0, None),
    )


def test_counts_of_layers_are_summed() -> None:
    made = producer(*GROUP)
    stats = {"p": counts(1, 1.0, 0.5), "p.1": counts(2, None, 0.7), "x": counts(9, 9.0)}
    assert made.summed_stats(stats) == ProducerStats(3, 30, 2, 0.7, 4, 6, 1.0)
    assert made.summed_stats({"p.2": counts(1, None)}) == counts(1, None)
    assert made.summed_stats({}) is None


def test_layers_named_by_rid_are_sorted_by_what_is_known_of_their_size() -> None:
    made = producer(*NAMED)
    large, middle, small = made.layers
    large.dimensions = Dimensions(width=640, height=360)
    made.sort_layers()
    assert made.layers == [large, middle, small]
    small.dimensions = Dimensions(width=160, height=90)
    made.sort_layers()
    assert made.layers == [small, middle, large]
    middle.dimensions = Dimensions(width=320, height=180)
    made.sort_layers()
    assert made.layers == [small, middle, large]
    assert [layer.index for layer in (small, middle, large)] == [0, 1, 2]


def test_the_order_of_a_group_is_what_the_description_says() -> None:
    made = producer(*GROUP)
    before = list(made.layers)
    made.layers[0].dimensions = Dimensions(width=640, height=360)
    made.layers[1].dimensions = Dimensions(width=320, height=180)
    made.sort_layers()
    assert made.layers == before


def test_what_packets_told_survives_a_new_shape_of_the_stream() -> None:
    old = producer(*NAMED)
    old.layers[1].ssrc, old.layers[1].rtx_ssrc = 7, 8
    old.layers.reverse()
    new = producer(*NAMED, name="n")
    new.take_over(old)
    assert [(layer.ssrc, layer.rtx_ssrc) for layer in new.layers] == [
        (None, None),
        (7, 8),
        (None, None),
    ]
    assert new.layers[1].command() is not None
    assert new.layers[0].command() is None


def test_a_consumer_gets_what_is_active_and_wanted() -> None:
    made, other = producer(*GROUP), producer(*GROUP, name="o")
    receiver = consumer(made)
    assert made.layer_for(receiver) is made.layers[0]
    for layer in made.layers[:2]:
        layer.is_active = True
    receiver.wanted_layer = 2
    assert made.layer_for(receiver) is made.layers[1]
    receiver.wanted_layer, receiver.source = None, made.layers[1].id
    assert made.layer_for(receiver) is made.layers[1]
    assert other.layer_for(receiver) is other.layers[0]
    assert producer(*NAMED, name="n").layer_for(receiver) is None


def test_the_layer_of_a_consumer_is_what_is_sent() -> None:
    made = producer(*GROUP)
    receiver = consumer(made)
    assert receiver.layer is None
    assert receiver.seen_layer is made.layers[0]
    receiver.source = made.layers[1].id
    assert receiver.seen_layer is made.layers[1]
    receiver.forwarded = made.layers[2]
    assert receiver.layer == 2
    assert receiver.seen_layer is made.layers[2]
    receiver.is_paused = True
    assert receiver.layer is None
    receiver.is_paused = False
    receiver.producer = producer(*GROUP, name="o")
    assert receiver.layer is None
    assert receiver.seen_layer is receiver.producer.layers[0]


def test_without_simulcast_there_is_no_layer_to_speak_of() -> None:
    made = producer(Layer(None, 10, None))
    receiver = consumer(made)
    receiver.forwarded = made.layers[0]
    assert receiver.layer is None


def test_a_stream_is_replaced_by_one_of_the_same_codecs() -> None:
    assert producer(*GROUP).can_replace(producer(*NAMED))
    assert not producer(*GROUP).can_replace(producer(*GROUP, codec="h264/90000"))


def test_codec_keys_are_taken_apart() -> None:
    assert (codec_name("vp8/90000"), clock_rate("vp8/90000")) == ("VP8", 90_000)
    assert (codec_name("opus/48000/2"), clock_rate("opus/48000/2")) == ("opus", 48_000)
