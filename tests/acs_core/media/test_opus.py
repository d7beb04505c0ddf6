import random

import numpy as np
import pytest

from acs_core.errors import MediaError
from acs_core.media import opus
from acs_core.media.encode import OpusEncoder
from acs_core.media.frames import av_audio_frame
from acs_core.media.opus import FadingOpusDecoder, LibopusDecoder, create_opus_decoder

DECODERS = [create_opus_decoder, FadingOpusDecoder]


def voice(seconds: float) -> np.ndarray:
    """A buzz with formants and syllables: what the speech layer of Opus is made for."""
    time = np.arange(int(seconds * 48000)) / 48000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 25))
    syllables = 0.4 + 0.6 * np.abs(np.sin(2 * np.pi * 2.5 * time))
    return (buzz * syllables * 5000).astype(np.int16).reshape(-1, 1)


def packets(seconds: float, loss: float = 10.0) -> list[bytes]:
    encoder = OpusEncoder()
    encoder.packet_loss = loss
    pcm = voice(seconds)
    out = []
    for start in range(0, len(pcm), 960):
        out += encoder.encode(av_audio_frame(pcm[start : start + 960], pts=start), start / 48000)
    return [packet.payload for packet in out]


def test_this_installation_has_libopus() -> None:
    assert isinstance(create_opus_decoder(), LibopusDecoder)


@pytest.mark.parametrize("create", DECODERS)
def test_sound_comes_back_at_its_level(create) -> None:
    decoder = create()
    pcm = np.concatenate([decoder.decode(payload) for payload in packets(1.0)])
    assert pcm.shape[1] == 2
    assert pcm.dtype == np.int16
    assert abs(len(pcm) - 48000) <= 960
    original = voice(1.0).astype(float)
    assert 0.7 < np.std(pcm[4800:]) / np.std(original[4800:]) < 1.3


@pytest.mark.parametrize("create", DECODERS)
@pytest.mark.parametrize("samples", [960, 1920, 4000, 100])
def test_a_gap_lasts_as_long_as_it_lasted(create, samples: int) -> None:
    decoder = create()
    sent = packets(0.2)
    for payload in sent[:5]:
        decoder.decode(payload)
    assert decoder.conceal(samples, sent[6]).shape == (samples, 2)
    assert decoder.conceal(samples, None).shape == (samples, 2)


@pytest.mark.parametrize("create", DECODERS)
def test_a_gap_before_any_sound_is_silent(create) -> None:
    assert not create().conceal(960, None).any()


@pytest.mark.parametrize("create", DECODERS)
def test_damaged_packets_are_media_errors(create) -> None:
    with pytest.raises(MediaError):
        create().decode(b"\xff\xff\xff")


def test_single_losses_of_speech_are_repaired_from_the_next_packet() -> None:
    sent = packets(4.0, loss=20.0)
    library = opus._libopus()
    # libopus adds copies where it hears speech, not in pauses.
    has_copy = [library.opus_packet_has_lbrr(payload, len(payload)) for payload in sent]
    assert sum(has_copy) > 0.4 * len(sent)
    chance = random.Random(1)
    whole, repaired, concealed = (create_opus_decoder() for _ in range(3))
    errors: dict[str, list[float]] = {"repaired": [], "concealed": []}
    was_lost = False
    for index, payload in enumerate(sent[:-1]):
        expected = whole.decode(payload).astype(float)
        lost = not was_lost and has_copy[index + 1] and chance.random() < 0.3
        if lost:
            following = sent[index + 1]
            for name, got in (
                ("repaired", repaired.conceal(960, following)),
                ("concealed", concealed.conceal(960, None)),
            ):
                errors[name].append(float(np.mean((got - expected) ** 2)))
        else:
            repaired.decode(payload)
            concealed.decode(payload)
        was_lost = lost
    assert len(errors["repaired"]) > 15
    assert np.mean(errors["repaired"]) < 0.5 * np.mean(errors["concealed"])


def test_the_fallback_fades_out() -> None:
    decoder = FadingOpusDecoder()
    for payload in packets(0.2):
        decoder.decode(payload)
    gap = decoder.conceal(9600, None).astype(float)
    assert np.abs(gap[:480]).max() > 500
    assert not gap[4800:].any()
    assert not decoder.conceal(960, None).any()
