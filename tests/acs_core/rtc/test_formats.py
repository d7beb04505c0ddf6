from __future__ import annotations

from acs_core.rtc.formats import (
    FEEDBACK,
    NATIVE_CODECS,
    NATIVE_EXTENSIONS,
    is_auxiliary,
    retransmissions,
    select,
)
from acs_core.rtc.sdp_model import Codec

VP8 = Codec(96, "VP8", 90000)
RTX = Codec(97, "rtx", 90000, fmtp="apt=96")
H264 = Codec(102, "H264", 90000)


def test_our_numbers_mean_one_thing_in_the_whole_bundle() -> None:
    numbers = [codec.payload_type for codecs in NATIVE_CODECS.values() for codec in codecs]
    assert len(set(numbers)) == len(numbers)
    ids = {(id_, uri) for known in NATIVE_EXTENSIONS.values() for uri, id_ in known.items()}
    assert len({id_ for id_, _ in ids}) == len(ids)


def test_transport_wide_feedback_is_never_negotiated() -> None:
    assert "transport-cc" not in FEEDBACK


def test_rtx_follows_its_codec() -> None:
    codecs = (RTX, VP8, H264)
    assert select(codecs, lambda codec: codec.name == "VP8") == (RTX, VP8)
    assert select(codecs, lambda codec: codec.name == "H264") == (H264,)
    assert retransmissions(codecs) == {96: 97}


def test_a_stream_needs_more_than_rtx_and_tones() -> None:
    assert is_auxiliary(RTX)
    assert is_auxiliary(Codec(110, "telephone-event", 48000))
    assert not is_auxiliary(VP8)
