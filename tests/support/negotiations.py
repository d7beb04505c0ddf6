"""Both ends of a negotiation without a connection, and what is checked of their descriptions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from acs_core.media.negotiation import PublishNegotiation, SubscribeAnswer, SubscribeNegotiation
from acs_core.rtc.sdp import (
    Fingerprint,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)
from acs_core.service.sfu.negotiation import (
    Change,
    LocalTransport,
    Negotiation,
    SsrcPolicy,
)

__all__ = [
    "CHROMIUM",
    "CLIENT",
    "OPUS",
    "SERVICE",
    "VP8",
    "Ledger",
    "add",
    "edited",
    "exchange",
    "local",
    "offer_of",
    "only",
    "publisher",
    "rejected",
    "service",
    "subscriber",
]

CHROMIUM = (Path(__file__).parents[1] / "data/sdp/chromium_offer.sdp").read_text()
OPUS = ("opus/48000/2",)
VP8 = ("vp8/90000",)
CODECS = {"audio": OPUS, "video": VP8}
SERVICE = LocalTransport(
    "service",
    "servicepassword",
    ("1 1 udp 2130706431 192.0.2.1 7781 typ host",),
    Fingerprint("sha-256", "AA:AA"),
)
CLIENT = LocalTransport("client", "clientpassword", (), Fingerprint("sha-256", "BB:BB"))


def local(restart: bool) -> LocalTransport:
    return replace(SERVICE, ufrag="restarted") if restart else SERVICE


def service(
    policy: SsrcPolicy = SsrcPolicy.FRESH, *, always_receive: bool = False, **options: object
) -> Negotiation:
    numbers = itertools.count(1000)
    return Negotiation(
        session_id=7,
        ssrc_policy=policy,
        always_receive=always_receive,
        new_ssrc=lambda: next(numbers),
        **options,
    )


def add(negotiation: Negotiation, key: str, kind: str = "video") -> None:
    negotiation.add_stream(
        key, kind, codecs=CODECS[kind], stream_id="endpoint", track_id=f"track-{key}"
    )


def publisher() -> PublishNegotiation:
    numbers = itertools.count(1)
    return PublishNegotiation(session_id=8, cname="cname", new_ssrc=lambda: next(numbers))


def exchange(
    negotiation: Negotiation, client: SubscribeNegotiation
) -> tuple[SubscribeAnswer, tuple[Change, ...]]:
    """One offer of the service and its answer."""
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT)
    return answer, negotiation.accept_answer(answer.answer)


def subscriber() -> SubscribeNegotiation:
    return SubscribeNegotiation(session_id=9)


def edited(text: str, edit: Callable[[MediaSection], MediaSection], *mids: str) -> str:
    """Rewrite the sections with these mids, or all."""
    description = parse(text)
    sections = tuple(
        edit(section) if not mids or section.mid in mids else section
        for section in description.sections
    )
    return write(replace(description, sections=sections))


def rejected(section: MediaSection) -> MediaSection:
    return replace(section, port=0)


def only(changes: tuple[Change, ...], kind: type[Change]) -> list[Change]:
    return [change for change in changes if isinstance(change, kind)]


@dataclass
class Ledger:
    """Checks that the descriptions of one connection never contradict each other."""

    payload_types: dict[int, str] = field(default_factory=dict)
    uris: dict[int, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def check(self, text: str) -> SessionDescription:
        description = parse(text)
        for section in description.sections:
            assert self.kinds.setdefault(section.mid, section.kind) == section.kind
            for codec in section.codecs:
                key = f"{codec.key} {codec.apt}"
                assert self.payload_types.setdefault(codec.payload_type, key) == key
            for extension in section.extensions:
                assert self.uris.setdefault(extension.id, extension.uri) == extension.uri
        return description


def offer_of(answer: str) -> str:
    """The client's next offer, which changes nothing."""
    return edited(answer, lambda s: replace(s, setup=Setup.ACTPASS))
