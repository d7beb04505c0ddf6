"""One connection for both directions, with a polite browser at the other end and glare."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.rtc.sdp import (
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    Kind,
    LocalTransport,
    MediaSection,
    SessionDescription,
    Setup,
    SsrcGroup,
    parse,
    write,
)
from acs_core.service.sfu.negotiation import (
    Change,
    GlareError,
    Negotiation,
    SsrcChanged,
    SsrcPolicy,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
    StreamRefused,
)

CHROMIUM = parse((Path(__file__).parents[3] / "data/sdp/chromium_offer.sdp").read_text())
CODECS = {"audio": ["opus/48000/2"], "video": ["vp8/90000"]}
KINDS: tuple[Kind, Kind] = ("audio", "video")


def transport(name: str) -> LocalTransport:
    return LocalTransport(name, f"{name}password", (), Fingerprint("sha-256", "AA"))


@dataclass
class BrowserSection:
    mid: str
    kind: Kind
    track: str | None = None
    receives: int | None = None
    lost: set[int] = field(default_factory=set)


class Browser:
    """A polite peer that applies its offers and rolls them back, as the W3C example does.

    It takes over the payload types of the kind from whoever describes it first, uses free sections
    of any origin for its tracks, and remembers which SSRCs Chromium would no longer render.
    """

    def __init__(self) -> None:
        self.sections: list[BrowserSection] = []
        self.tracks: dict[str, tuple[Kind, int]] = {}
        self.stable: list[BrowserSection] | None = None
        self.undo: tuple[dict[str, tuple[Codec, ...]], dict[str, tuple[HeaderExtension, ...]]]
        self.codecs: dict[str, tuple[Codec, ...]] = {}
        self.extensions: dict[str, tuple[HeaderExtension, ...]] = {}
        self.numbers = itertools.count()
        self.described: dict[str, str | None] = {}

    def _invent(self, kind: Kind) -> None:
        """Use Chromium's numbers for a kind, as far as others do not use them."""
        if kind in self.codecs:
            return
        section = next(s for s in CHROMIUM.sections if s.kind == kind)
        used = {codec.payload_type for codecs in self.codecs.values() for codec in codecs}
        free = (n for n in range(127, 95, -1) if n not in used)
        names: dict[int, int] = {}
        for codec in section.codecs:
            number = codec.payload_type if codec.payload_type not in used else next(free)
            names[codec.payload_type] = number
            used.add(number)
        self.codecs[kind] = tuple(
            replace(
                codec,
                payload_type=names[codec.payload_type],
                fmtp=codec.fmtp if codec.apt is None else f"apt={names[codec.apt]}",
            )
            for codec in section.codecs
        )
        known = {item.uri: item.id for items in self.extensions.values() for item in items}
        ids = (n for n in range(14, 0, -1) if n not in known.values())
        self.extensions[kind] = tuple(
            HeaderExtension(known[item.uri] if item.uri in known else next(ids), item.uri)
            for item in section.extensions[:4]
        )

    def _learn(self, kind: Kind, section: MediaSection) -> None:
        self.codecs.setdefault(kind, section.codecs)
        self.extensions.setdefault(kind, section.extensions)

    @property
    def needs_offer(self) -> bool:
        placed = {section.track for section in self.sections}
        told = {section.mid: section.track for section in self.sections}
        return self.stable is None and (told != self.described or not self.tracks.keys() <= placed)

    def unpublish(self, track: str) -> None:
        del self.tracks[track]
        for section in self.sections + (self.stable or []):
            if section.track == track:
                section.track = None

    def offer(self) -> str:
        self.stable = [replace(section) for section in self.sections]
        self.undo = (dict(self.codecs), dict(self.extensions))
        placed = {section.track for section in self.sections}
        for track, (kind, _) in self.tracks.items():
            if track in placed:
                continue
            free = [s for s in self.sections if s.kind == kind and s.track is None]
            if not free:
                free = [BrowserSection(str(next(self.numbers)), kind)]
                self.sections += free
                self._invent(kind)
            free[0].track = track
        return self._text(Setup.ACTPASS, {s.mid: True for s in self.sections})

    def on_answer(self, text: str) -> None:
        self.stable = None
        self._hear(parse(text))

    def on_offer(self, text: str) -> str:
        if self.stable is not None:
            for old, new in zip(self.stable, self.sections, strict=False):
                if old.track != new.track and old.receives is not None:
                    old.lost.add(old.receives)
            self.sections, self.stable = self.stable, None
            self.codecs, self.extensions = self.undo
        offer = parse(text)
        for section in offer.sections[len(self.sections) :]:
            self.sections.append(BrowserSection(section.mid, section.kind))
            self._learn(section.kind, section)
        assert [s.mid for s in self.sections] == [s.mid for s in offer.sections]
        invited = {s.mid: s.direction.is_receiving for s in offer.sections}
        answer = self._text(Setup.ACTIVE, invited)
        self._hear(offer)
        return answer

    def _hear(self, description: SessionDescription) -> None:
        for section, remote in zip(self.sections, description.sections, strict=True):
            now = remote.ssrcs[0] if remote.direction.is_sending else None
            if now is None and section.receives is not None:
                section.lost.add(section.receives)
            section.receives = now

    def _text(self, setup: Setup, invited: dict[str, bool]) -> str:
        self.described = {s.mid: s.track if invited[s.mid] else None for s in self.sections}
        written = tuple(
            transport("browser").apply(self._section(s, self.described[s.mid]), setup)
            for s in self.sections
        )
        return write(SessionDescription(written, tuple(self.described)))

    def _section(self, section: BrowserSection, track: str | None) -> MediaSection:
        media = MediaSection(
            section.kind,
            section.mid,
            direction=Direction.of(send=track is not None, receive=True),
            codecs=self.codecs[section.kind],
            extensions=self.extensions[section.kind],
            rtcp_mux=True,
        )
        if track is None:
            return media
        ssrcs = (self.tracks[track][1], self.tracks[track][1] + 1)
        groups = (SsrcGroup("FID", ssrcs),)
        return replace(media, msid=("-", track), ssrcs=ssrcs, ssrc_groups=groups, cname="c")


class Line:
    """The two ends and what is on its way between them."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.service = Negotiation(
            session_id=1,
            ssrc_policy=SsrcPolicy.FRESH,
            always_receive=True,
            new_ssrc=lambda: next(numbers),
        )
        self.browser = Browser()
        self.to_service: deque[tuple[str, str]] = deque()
        self.to_browser: deque[tuple[str, str]] = deque()
        self.subscribed: dict[str, str] = {}
        self.accepted: dict[str, tuple[str, int]] = {}
        self.received: dict[str, StreamReceived] = {}
        self.payload_types: dict[int, str] = {}
        self.uris: dict[int, str] = {}
        self.kinds: dict[str, str] = {}
        self.names = itertools.count()
        self.dropped = 0
        self.is_patient = True

    @property
    def is_waiting(self) -> bool:
        return self.service.awaits_repeat and self.is_patient

    def check(self, text: str) -> None:
        for section in parse(text).sections:
            assert self.kinds.setdefault(section.mid, section.kind) == section.kind
            for codec in section.codecs:
                key = f"{codec.key} {codec.apt}"
                assert self.payload_types.setdefault(codec.payload_type, key) == key
            for item in section.extensions:
                assert self.uris.setdefault(item.id, item.uri) == item.uri

    def note(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            match change:
                case StreamAccepted() | SsrcChanged():
                    self.accepted[change.key] = (change.mid, change.ssrc)
                case StreamRefused():
                    self.accepted.pop(change.key, None)
                case StreamReceived():
                    self.received[change.mid] = change
                case StreamEnded():
                    del self.received[change.mid]

    def act(self, step: str, number: int) -> None:
        kind = KINDS[number % 2]
        if step == "publish":
            ssrc = 10_000 + 2 * next(self.names)
            self.browser.tracks[f"t{ssrc}"] = (kind, ssrc)
        elif step == "unpublish" and self.browser.tracks:
            self.browser.unpublish(list(self.browser.tracks)[number % len(self.browser.tracks)])
        elif step == "subscribe":
            key = f"k{next(self.names)}"
            self.subscribed[key] = kind
            self.service.add_stream(key, kind, codecs=CODECS[kind], stream_id="s", track_id=key)
        elif step == "unsubscribe" and self.subscribed:
            key = list(self.subscribed)[number % len(self.subscribed)]
            del self.subscribed[key]
            self.service.remove_stream(key)
        elif step == "browser offers" and self.browser.needs_offer:
            self.to_service.append(("offer", self.browser.offer()))
        elif step == "service offers" and self.service.needs_offer and not self.is_waiting:
            offer = self.service.create_offer(lambda _: transport("service"))
            self.to_browser.append(("offer", offer))
        elif step == "to browser" and self.to_browser:
            self.deliver_to_browser(*self.to_browser.popleft())
        elif step == "to service" and self.to_service:
            self.deliver_to_service(*self.to_service.popleft())

    def deliver_to_browser(self, type_: str, text: str) -> None:
        self.check(text)
        if type_ == "answer":
            self.browser.on_answer(text)
        else:
            self.to_service.append(("answer", self.browser.on_offer(text)))

    def deliver_to_service(self, type_: str, text: str) -> None:
        if type_ == "answer":
            self.check(text)
            self.note(self.service.accept_answer(text))
            return
        try:
            accepted = self.service.accept_offer(text, lambda _: transport("service"))
        except GlareError:
            self.dropped += 1
            return
        self.check(text)
        self.note(accepted.changes)
        self.to_browser.append(("answer", accepted.answer))

    def settle(self) -> None:
        """Let both offer at the same time until nothing is left to say."""
        for _ in range(10):
            for step in ("browser offers", "service offers"):
                self.act(step, 0)
            while self.to_browser or self.to_service:
                self.act("to service", 0)
                self.act("to browser", 0)
            self.is_patient = self.browser.needs_offer


STEPS = [
    *("publish", "unpublish", "subscribe", "unsubscribe"),
    *("browser offers", "service offers", "to browser", "to service"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=40))
def test_every_script_on_a_shared_connection_ends_complete(
    script: list[tuple[str, int]],
) -> None:
    line = Line()
    for step, number in script:
        line.act(step, number)
    line.settle()
    assert not line.service.needs_offer
    assert not line.browser.needs_offer
    assert {stream.track_id for stream in line.received.values()} == set(line.browser.tracks)
    current = {s.mid: s.receives for s in line.browser.sections if s.receives is not None}
    accepted = {key: line.accepted[key] for key in line.subscribed}
    assert sorted(accepted.values()) == sorted(current.items())
    for section in line.browser.sections:
        assert section.receives not in section.lost


def test_a_browser_that_rolled_back_sees_its_stream_again() -> None:
    line = Line()
    line.act("subscribe", 1)
    line.settle()
    line.act("publish", 1)
    line.act("browser offers", 0)
    line.act("subscribe", 1)
    line.act("service offers", 0)
    line.settle()
    assert line.dropped == 1
    section = line.browser.sections[0]
    assert section.mid == "s0"
    assert section.lost
    assert section.receives not in section.lost


def test_a_browser_may_publish_in_its_answer() -> None:
    line = Line()
    line.act("subscribe", 0)
    line.act("service offers", 0)
    line.act("to browser", 0)
    line.act("to service", 0)
    line.act("publish", 0)
    line.act("browser offers", 0)
    line.act("subscribe", 0)
    line.settle()
    assert [stream.mid for stream in line.received.values()] == ["s0"]
