from __future__ import annotations

import pytest

from acs_core.errors import ProtocolError
from acs_core.rtc.sdp import (
    Fingerprint,
    IceParameters,
    MediaSection,
    Rid,
    SessionDescription,
    Simulcast,
    SsrcGroup,
)
from acs_core.service.sfu.changes import Layer, RefusalReason, StreamRefused
from acs_core.service.sfu.sections import (
    MAX_LAYERS,
    OutgoingStream,
    Said,
    Section,
    check,
    received_stream,
    refuse,
)

ICE = IceParameters("ufrag", "password")
FINGERPRINT = Fingerprint("sha-256", "AA:BB")


def layers(**attributes: object) -> tuple[Layer, ...]:
    return received_stream(MediaSection("video", "0", **attributes), (), ()).layers


def test_one_encoding_is_the_first_of_its_rtx_pair() -> None:
    group = SsrcGroup("FID", (5, 6))
    assert layers(ssrcs=(5, 6), ssrc_groups=(group,)) == (Layer(None, 5, 6),)
    assert layers(ssrcs=(7,)) == (Layer(None, 7, None),)
    broken = SsrcGroup("FID", (5,))
    assert layers(ssrcs=(7,), ssrc_groups=(broken,)) == (Layer(None, 7, None),)


def test_layers_by_rid_keep_the_order_of_the_sender() -> None:
    rids = tuple(Rid(name, "send") for name in "lmh")
    simulcast = Simulcast(send=("h", "~m,x", "unknown", "l"))
    found = layers(rids=rids, simulcast=simulcast)
    assert [layer.rid for layer in found] == ["h", "m", "l"]


def test_simulcast_without_rids_that_are_sent_is_one_encoding() -> None:
    simulcast = Simulcast(send=("unknown",))
    assert layers(rids=(Rid("h", "send"),), simulcast=simulcast) == (Layer(None, None, None),)
    assert layers(rids=(Rid("h", "recv"),), simulcast=simulcast) == (Layer(None, None, None),)


def test_the_number_of_layers_is_limited() -> None:
    group = SsrcGroup("SIM", tuple(range(1, 100)))
    assert len(layers(ssrcs=(1,), ssrc_groups=(group,))) == MAX_LAYERS


@pytest.mark.parametrize("semantics", ["SIM", "FID"])
def test_a_group_cannot_name_what_is_of_another_section(semantics: str) -> None:
    def described(group: tuple[int, ...]) -> SessionDescription:
        audio = MediaSection("audio", "0", ssrcs=(7,), ice=ICE, fingerprints=(FINGERPRINT,))
        groups = (SsrcGroup(semantics, group), SsrcGroup("FID", (5, 6)))
        video = MediaSection("video", "1", ssrcs=(5, 6), ssrc_groups=groups)
        return SessionDescription(sections=(audio, video))

    check(described((5, 8)), (), {})
    with pytest.raises(ProtocolError, match="same ssrc"):
        check(described((7, 8)), (), {})


def test_a_section_has_news_until_the_remote_end_was_told() -> None:
    section = Section("s0", "video", is_own=True, is_described=True, ssrcs=(1, 2))
    assert not section.has_news
    assert section.is_reusable
    section.key = "v"
    assert section.has_news
    section.told = section.said(is_sending=True, is_receiving=True)
    assert section.told == Said("v", 1, is_receiving=True)
    assert not section.has_news
    section.key = None
    assert section.has_news
    assert not section.is_reusable


def test_a_refusal_is_told_once() -> None:
    stream = OutgoingStream("v", "video", frozenset(), ("s", "t"))
    reason = RefusalReason.NO_COMMON_CODEC
    assert refuse(stream, reason) == [StreamRefused("v", reason)]
    assert refuse(stream, reason) == []
