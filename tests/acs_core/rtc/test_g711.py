from __future__ import annotations

import av
import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.rtc.g711 import linear_samples


@pytest.mark.parametrize(("name", "codec"), [("PCMU", "pcm_mulaw"), ("PCMA", "pcm_alaw")])
def test_every_byte_is_the_sample_that_others_make_of_it(name: str, codec: str) -> None:
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"  # type: ignore[attr-defined]
    (frame,) = decoder.decode(av.Packet(bytes(range(256))))
    assert linear_samples(name, bytes(range(256))) == frame.to_ndarray().tobytes()  # type: ignore[union-attr]


def test_other_codecs_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        linear_samples("OPUS", b"x")
