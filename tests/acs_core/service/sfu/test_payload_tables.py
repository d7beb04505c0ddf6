from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.rtc.formats import NATIVE_CODECS
from acs_core.rtc.sdp import (
    Codec,
    Direction,
    HeaderExtension,
    Kind,
    MediaSection,
    SessionDescription,
)
from acs_core.service.sfu.payload_tables import PayloadTables

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
VP8 = Codec(120, "VP8", 90000, feedback=("nack", "transport-cc"))
RTX = Codec(121, "rtx", 90000, fmtp="apt=120")


def describe(*sections: MediaSection) -> SessionDescription:
    return SessionDescription(tuple(replace(s, mid=str(n)) for n, s in enumerate(sections)))


def video(*codecs: Codec, extensions: tuple[HeaderExtension, ...] = ()) -> MediaSection:
    return MediaSection("video", "0", codecs=codecs, extensions=extensions)


def test_the_first_description_of_a_kind_decides() -> None:
    tables = PayloadTables()
    tables.learn(describe(video(VP8, RTX)))
    assert tables.codecs("video") == (replace(VP8, feedback=("nack",)), RTX)


def test_what_a_remote_end_described_shows_what_it_cannot_take() -> None:
    tables = PayloadTables()
    assert not tables.excludes("video", {"h264/90000/42e0/1"})
    tables.learn(describe(video(VP8, RTX)))
    assert tables.excludes("video", {"h264/90000/42e0/1", "vp9/90000/0"})
    assert not tables.excludes("video", {"vp8/90000", "vp9/90000/0"})
    assert not tables.excludes("audio", {"opus/48000/2"})
    assert tables.described("video") == {"vp8/90000"}
    tables.learn(describe(video(VP8, Codec(122, "VP9", 90000))))
    assert not tables.excludes("video", {"vp9/90000/0"})


def test_a_remote_end_that_sends_may_decode_more_than_it_says() -> None:
    tables = PayloadTables()
    assert tables.codecs("video")
    answer = video(VP8)
    tables.learn(describe(answer))
    assert not tables.excludes("video", {"av1/90000/0"})
    tables.learn(describe(replace(answer, direction=Direction.RECVONLY)))
    assert tables.excludes("video", {"av1/90000/0"})


def test_a_codec_that_the_room_forbids_is_known_all_the_same() -> None:
    tables = PayloadTables({"h264", "opus"})
    tables.learn(describe(replace(video(VP8), direction=Direction.RECVONLY)))
    assert tables.described("video") == {"vp8/90000"}
    assert tables.excludes("video", {"h264/90000/42e0/1"})


def test_a_number_never_gets_another_meaning() -> None:
    tables = PayloadTables()
    tables.learn(describe(video(VP8, RTX)))
    other = video(Codec(120, "VP9", 90000), Codec(121, "rtx", 90000, fmtp="apt=99"))
    tables.learn(describe(other))
    assert [codec.name for codec in tables.codecs("video")] == ["VP8", "rtx"]
    assert tables.common_codecs(other) == ()


def test_one_number_does_not_serve_two_kinds() -> None:
    tables = PayloadTables()
    audio = MediaSection("audio", "1", codecs=(Codec(120, "opus", 48000, 2),))
    tables.learn(describe(video(VP8), audio))
    assert tables.common_codecs(audio) == ()
    assert all(codec.payload_type != 120 for codec in tables.codecs("audio"))


def test_later_descriptions_add_numbers() -> None:
    tables = PayloadTables()
    tables.learn(describe(video(VP8)))
    tables.learn(describe(video(Codec(122, "H264", 90000), VP8)))
    assert [codec.payload_type for codec in tables.codecs("video")] == [120, 122]


def test_an_extension_id_never_gets_another_meaning() -> None:
    tables = PayloadTables()
    tables.learn(describe(video(VP8, extensions=(HeaderExtension(4, MID),))))
    changed = (HeaderExtension(4, LEVEL), HeaderExtension(5, MID), HeaderExtension(6, LEVEL))
    section = video(VP8, extensions=changed)
    tables.learn(describe(section))
    assert tables.common_extensions(section) == (HeaderExtension(6, LEVEL),)
    assert HeaderExtension(4, MID) in tables.extensions("video")


def test_the_id_of_an_extension_is_the_same_for_both_kinds() -> None:
    tables = PayloadTables()
    tables.learn(describe(video(VP8, extensions=(HeaderExtension(9, MID),))))
    ids = {item.uri: item.id for item in tables.extensions("audio")}
    assert ids[MID] == 9
    assert ids[LEVEL] == 1


def test_what_is_not_forwarded_still_blocks_its_numbers() -> None:
    tables = PayloadTables()
    blocked = tuple(Codec(n, "red", 90000) for n in (*range(96, 127), *range(35, 64)))
    ids = tuple(HeaderExtension(n, f"urn:x:{n}") for n in range(1, 15))
    tables.learn(describe(video(*blocked, extensions=ids)))
    assert {codec.payload_type for codec in tables.codecs("audio")} == {0, 8, 127}
    assert [item.id for item in tables.extensions("audio")] == [16, 17, 18]


def test_without_free_numbers_there_is_less_to_negotiate() -> None:
    tables = PayloadTables()
    blocked = tuple(Codec(n, "red", 90000) for n in range(127))
    ids = tuple(HeaderExtension(n, f"urn:x:{n}") for n in range(1, 256) if n != 15)
    tables.learn(describe(video(*blocked, extensions=ids)))
    assert [codec.name for codec in tables.codecs("video")] == ["VP8"]
    assert tables.codecs("audio") == ()
    assert tables.extensions("audio") == ()


def test_rejected_and_data_sections_teach_nothing() -> None:
    tables = PayloadTables()
    tables.learn(describe(replace(video(VP8), port=0), MediaSection("application", "1")))
    assert tables.codecs("video")[0].payload_type == 96


def test_our_own_client_gets_the_numbers_that_it_knows() -> None:
    tables = PayloadTables()
    for kind in NATIVE_CODECS:
        ours = {codec.payload_type: codec.key for codec in tables.codecs(kind)}
        assert all(ours[c.payload_type] == c.key for c in NATIVE_CODECS[kind])


kinds: st.SearchStrategy[Kind] = st.sampled_from(["audio", "video"])
codecs = st.builds(
    Codec,
    payload_type=st.integers(90, 100),
    name=st.sampled_from(["VP8", "VP9", "opus", "rtx", "red"]),
    clock_rate=st.just(90000),
    fmtp=st.sampled_from(["", "apt=96", "apt=97"]),
)
extensions = st.builds(HeaderExtension, st.integers(1, 5), st.sampled_from([MID, LEVEL, "urn:x"]))
sections = st.builds(
    MediaSection,
    kind=kinds,
    mid=st.just("0"),
    codecs=st.lists(codecs, max_size=4, unique_by=lambda c: c.payload_type).map(tuple),
    extensions=st.lists(extensions, max_size=3).map(tuple),
)


@settings(deadline=None)
@given(st.lists(st.lists(sections, max_size=3) | kinds, max_size=6))
def test_numbers_mean_one_thing_for_ever(script: list[list[MediaSection] | Kind]) -> None:
    tables = PayloadTables()
    payload_types: dict[int, tuple[str, str, int | None]] = {}
    uris: dict[int, str] = {}
    asked: set[Kind] = set()
    for step in script:
        if isinstance(step, list):
            tables.learn(describe(*step))
        else:
            asked.add(step)
        for kind in asked:
            found = tables.codecs(kind)
            for codec in found:
                meaning = (kind, codec.key, codec.apt)
                assert payload_types.setdefault(codec.payload_type, meaning) == meaning
                assert codec.apt is None or codec.apt in {c.payload_type for c in found}
            for item in tables.extensions(kind):
                assert uris.setdefault(item.id, item.uri) == item.uri
