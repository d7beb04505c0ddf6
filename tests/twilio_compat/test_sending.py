from __future__ import annotations

import pytest

from acs_core.client.ports import SendOptions
from twilio_compat.sending import (
    BitrateLimits,
    CodecPreferences,
    SendPreferences,
    read_bitrates,
    read_codecs,
    read_encoding_parameters,
)

NO_LIMITS = BitrateLimits()


def test_without_preferences_the_sender_decides() -> None:
    assert read_codecs(None, None, NO_LIMITS) == CodecPreferences()
    sending = SendPreferences()
    assert sending.encoding("audio") == SendOptions(dtx=True)
    assert sending.encoding("video") == SendOptions()


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([], ()),
        (["VP8"], ("VP8", "H264")),
        (["h264"], ("H264", "VP8")),
        ([{"codec": "H264"}, {"codec": "VP8"}], ("H264", "VP8")),
    ],
)
def test_what_is_preferred_comes_first_and_the_rest_behind(
    given: list[object], order: tuple[str, ...]
) -> None:
    codecs = read_codecs(None, given, NO_LIMITS)
    assert codecs.video == order
    assert SendPreferences(codecs=codecs).encoding("video").codecs == order


def test_what_is_not_sent_from_here_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert read_codecs(None, ["VP9", {"codec": "VP8", "simulcast": True}], NO_LIMITS).video == (
        "VP8",
        "H264",
    )
    assert "VP9 is not sent from here" in caplog.text
    assert "one layer is sent from here" in caplog.text
    assert read_codecs(["PCMU", {"codec": "isac"}], None, NO_LIMITS).dtx
    assert "PCMU is not sent from here; opus is" in caplog.text


@pytest.mark.parametrize(
    ("given", "dtx"),
    [
        (["opus"], True),
        ([{"codec": "opus"}], True),
        ([{"codec": "opus", "dtx": True}], True),
        ([{"codec": "opus", "dtx": False}], False),
    ],
)
def test_silence_is_sent_only_on_request(given: list[object], dtx: bool) -> None:
    codecs = read_codecs(given, None, NO_LIMITS)
    assert codecs.dtx is dtx
    assert SendPreferences(codecs=codecs).encoding("audio").dtx is dtx


def test_the_sender_limits_pictures_by_itself_with_auto() -> None:
    assert read_codecs(None, "auto", BitrateLimits(audio=1)).is_automatic
    with pytest.raises(TypeError, match='"maxVideoBitrate" is not compatible with'):
        read_codecs(None, "auto", BitrateLimits(video=1))


@pytest.mark.parametrize(
    ("audio", "video", "error"),
    [
        ("opus", None, TypeError),
        (None, "VP8", TypeError),
        (None, ["AV2"], ValueError),
        ([3], None, TypeError),
        ([{}], None, ValueError),
        ([{"codec": "opus", "simulcast": True}], None, TypeError),
        ([{"codec": "opus", "dtx": 1}], None, TypeError),
    ],
)
def test_what_is_no_list_of_codecs_is_refused(
    audio: object, video: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        read_codecs(audio, video, NO_LIMITS)


def test_limits_are_bits_per_second() -> None:
    values = {"max_audio_bitrate": 16_000, "max_video_bitrate": 250_000}
    assert read_bitrates(values) == BitrateLimits(audio=16_000, video=250_000)


def test_zero_is_no_limit() -> None:
    values = {"max_audio_bitrate": 0, "max_video_bitrate": 5e5}
    assert read_bitrates(values) == BitrateLimits(audio=None, video=500_000)


def test_parameters_that_are_not_given_stay() -> None:
    before = SendPreferences(limits=BitrateLimits(audio=16_000, video=500_000))
    changed = read_encoding_parameters({"maxVideoBitrate": 200_000}, {}, before)
    assert changed.limits == BitrateLimits(audio=16_000, video=200_000)
    assert read_encoding_parameters({}, {}, before) == before
    freed = read_encoding_parameters(None, {"max_audio_bitrate": None}, before)
    assert freed.limits == BitrateLimits(audio=None, video=500_000)
    assert read_encoding_parameters(None, {}, before).limits == NO_LIMITS


def test_parameters_must_be_numbers() -> None:
    with pytest.raises(TypeError, match="encodingParameters must be an object"):
        read_encoding_parameters(3, {}, SendPreferences())
    with pytest.raises(TypeError, match=r"encodingParameters\.maxAudioBitrate must be a number"):
        read_encoding_parameters({"maxAudioBitrate": "x"}, {}, SendPreferences())
    automatic = SendPreferences(codecs=CodecPreferences(is_automatic=True))
    with pytest.raises(TypeError, match="not compatible"):
        read_encoding_parameters({"maxVideoBitrate": 1}, {}, automatic)
