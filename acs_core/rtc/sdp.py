"""Session descriptions as text: `parse` and `write`.

`parse` reads what browsers, aiortc and our own ends write; `write` produces text which all of them
accept. What neither end uses (unknown attributes, `a=ptime`, legacy `mslabel`) is dropped by
`parse`, so for every description ``parse(write(d)) == d`` while the reverse need not hold.

Source: RFC 8866 (SDP), RFC 8829 section 5 (JSEP), RFC 8843 (BUNDLE), RFC 8839 (ICE),
RFC 8122 and 8842 (DTLS), RFC 8841 (SCTP), RFC 5576 (ssrc), RFC 8851 and 8853 (rid, simulcast),
RFC 8285 (header extensions), RFC 4585 (feedback), RFC 4588 (rtx).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal, NoReturn

from acs_core.errors import InvalidArgumentError, MalformedPacketError, Stage
from acs_core.rtc.sdp_model import (
    DISCARD_PORT,
    UNSPECIFIED_ADDRESS,
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    IceParameters,
    Kind,
    LocalTransport,
    MediaSection,
    RemoteTransport,
    Rid,
    SessionDescription,
    Setup,
    Simulcast,
    SsrcGroup,
)

__all__ = [
    "DISCARD_PORT",
    "MAX_CANDIDATES",
    "MAX_SECTIONS",
    "MAX_TEXT_LENGTH",
    "UNSPECIFIED_ADDRESS",
    "Codec",
    "Direction",
    "Fingerprint",
    "HeaderExtension",
    "IceParameters",
    "Kind",
    "LocalTransport",
    "MediaSection",
    "RemoteTransport",
    "Rid",
    "SessionDescription",
    "Setup",
    "Simulcast",
    "SsrcGroup",
    "parse",
    "write",
]

MAX_TEXT_LENGTH: Final = 900_000
"""Ours: a browser lists all its codecs in each section; some 600 KB with 150 of them."""
MAX_SECTIONS: Final = 160
"""Sound, camera and screen of 49 others, own streams and data; so many pictures of six codecs
stay below `MAX_TEXT_LENGTH`."""
MAX_CANDIDATES: Final = 100

# RFC 8841 sections 5.2 and 6.1; port 5000 is what every WebRTC end uses.
_DEFAULT_SCTP_PORT: Final = 5000
_DEFAULT_MAX_MESSAGE_SIZE: Final = 65536
_MEDIA_LINE: Final = re.compile(
    r"(audio|video|application) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Z/]{1,32}) ([!-~ ]+)"
)
# RFC 8829 section 5.1.2; the forms without UDP or TCP are older spellings of the same.
_MEDIA_PROTOCOLS: Final = {"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF"}
_DATA_PROTOCOLS: Final = {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"}


def write(description: SessionDescription) -> str:
    """Give the text of a description, lines ended by CRLF.

    Raises:
        InvalidArgumentError: A value contains a line break.

    Source: RFC 8829 section 5.2.1; ``msid-semantic: WMS *`` makes aiortc read track ids.
    """
    lines = [
        "v=0",
        f"o=- {description.session_id} {description.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if description.ice_lite:
        lines.append("a=ice-lite")
    if description.bundle:
        lines.append("a=group:BUNDLE " + " ".join(description.bundle))
    lines.append("a=msid-semantic: WMS *")
    if description.extmap_allow_mixed:
        lines.append("a=extmap-allow-mixed")
    for section in description.sections:
        lines += _section_lines(section)
    if any("\r" in line or "\n" in line for line in lines):
        raise InvalidArgumentError("A description contains a line break.", stage=Stage.NEGOTIATION)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(section: MediaSection) -> list[str]:
    family = "IP6" if ":" in section.address else "IP4"
    if section.kind == "application":
        media = f"m=application {section.port} UDP/DTLS/SCTP webrtc-datachannel"
    else:
        # A section needs a format even where there is none (RFC 8866 section 5.14).
        formats = " ".join(str(codec.payload_type) for codec in section.codecs) or "0"
        media = f"m={section.kind} {section.port} UDP/TLS/RTP/SAVPF {formats}"
    lines = [media, f"c=IN {family} {section.address}"]
    if section.bandwidth_bps is not None:
        lines.append(f"b=TIAS:{section.bandwidth_bps}")
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    if section.bundle_only:
        lines.append("a=bundle-only")
    lines += _transport_lines(section)
    if section.kind == "application":
        lines.append(f"a=sctp-port:{section.sctp_port}")
        lines.append(f"a=max-message-size:{section.max_message_size}")
        return lines
    lines.append(f"a={section.direction}")
    if section.rtcp_mux:
        lines += [f"a=rtcp:9 IN IP4 {UNSPECIFIED_ADDRESS}", "a=rtcp-mux"]
    if section.rtcp_rsize:
        lines.append("a=rtcp-rsize")
    for extension in section.extensions:
        suffix = f"/{extension.direction}" if extension.direction else ""
        lines.append(f"a=extmap:{extension.id}{suffix} {extension.uri}")
    for codec in section.codecs:
        lines += _codec_lines(codec)
    return lines + _source_lines(section)


def _transport_lines(section: MediaSection) -> list[str]:
    lines = []
    if section.ice is not None:
        lines += [f"a=ice-ufrag:{section.ice.ufrag}", f"a=ice-pwd:{section.ice.pwd}"]
        if section.ice.options:
            lines.append("a=ice-options:" + " ".join(section.ice.options))
    lines += [f"a=candidate:{candidate}" for candidate in section.candidates]
    if section.end_of_candidates:
        lines.append("a=end-of-candidates")
    lines += [f"a=fingerprint:{item.algorithm} {item.value}" for item in section.fingerprints]
    if section.setup is not None:
        lines.append(f"a=setup:{section.setup}")
    return lines


def _codec_lines(codec: Codec) -> list[str]:
    channels = "" if codec.channels is None else f"/{codec.channels}"
    lines = [f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{codec.payload_type} {item}" for item in codec.feedback]
    if codec.fmtp:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    return lines


def _source_lines(section: MediaSection) -> list[str]:
    lines = []
    if section.msid is not None:
        lines.append("a=msid:" + " ".join(section.msid).rstrip())
    lines += [f"a=rid:{rid.id} {rid.direction} {rid.parameters}".rstrip() for rid in section.rids]
    if section.simulcast is not None:
        parts = [("send", section.simulcast.send), ("recv", section.simulcast.receive)]
        lines.append("a=simulcast:" + " ".join(f"{way} {';'.join(r)}" for way, r in parts if r))
    lines += [
        f"a=ssrc-group:{group.semantics} " + " ".join(map(str, group.ssrcs))
        for group in section.ssrc_groups
    ]
    lines += [f"a=ssrc:{ssrc} cname:{section.cname}" for ssrc in section.ssrcs]
    return lines


def parse(text: str) -> SessionDescription:
    """Read a description.

    Raises:
        MalformedPacketError: It breaks the grammar, contradicts itself, asks for media without
            encryption, or exceeds `MAX_TEXT_LENGTH`, `MAX_SECTIONS` or `MAX_CANDIDATES`.

    Source: RFC 8829 section 5.8; session-level ICE and DTLS attributes apply to each section that
    has none of its own (RFC 8839 section 5.4, RFC 8122 section 5).
    """
    if len(text) > MAX_TEXT_LENGTH:
        _refuse(f"it is longer than {MAX_TEXT_LENGTH} characters")
    session, *media = _blocks(text)
    if len(media) > MAX_SECTIONS:
        _refuse(f"it has more than {MAX_SECTIONS} sections")
    lines = _Lines(session)
    origin = (lines.first("o") or "").split(" ")
    if lines.first("v") != "0" or len(origin) != 6:
        _refuse("it does not begin with v=0 and a complete o= line")
    sections = tuple(_section(block, lines) for block in media)
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids):
        _refuse("two sections have the same mid")
    groups = [value.split(" ") for value in lines.all("group")]
    return SessionDescription(
        sections=sections,
        bundle=next((tuple(group[1:]) for group in groups if group[0] == "BUNDLE"), ()),
        ice_lite=lines.has("ice-lite"),
        extmap_allow_mixed=lines.has("extmap-allow-mixed"),
        session_id=_number(origin[1], "o", 2**64 - 1),
        version=_number(origin[2], "o", 2**64 - 1),
    )


class _Lines:
    """The lines of one block by type letter or, for ``a=`` lines, by attribute name."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for line in lines:
            name, value = line[0], line[2:]
            if name == "a":
                name, _, value = value.partition(":")
            self._values.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def has(self, name: str) -> bool:
        return name in self._values

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """Give each value as what stands before and after its first blank."""
        parts = [value.partition(" ") for value in self.all(name)]
        return [(first, rest) for first, _, rest in parts]


def _refuse(reason: str) -> NoReturn:
    raise MalformedPacketError(
        f"A session description was refused: {reason}.", code=400, stage=Stage.NEGOTIATION
    )


def _number(text: str, name: str, maximum: int, minimum: int = 0) -> int:
    # int() alone also takes signs, underscores, blanks and the digits of other scripts.
    if re.fullmatch(r"[0-9]{1,20}", text) is None or not minimum <= int(text) <= maximum:
        _refuse(f"{name} has a number that is not in {minimum}..{maximum}")
    return int(text)


def _blocks(text: str) -> list[list[str]]:
    """Split into the lines of the session and those of each section."""
    blocks: list[list[str]] = [[]]
    for raw in text.split("\n"):
        line = raw.removesuffix("\r")
        if not line:
            continue
        if "\r" in line or line[1:2] != "=":
            _refuse("a line is not of the form letter=value")
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _section(block: list[str], session: _Lines) -> MediaSection:
    match = _MEDIA_LINE.fullmatch(block[0][2:])
    if match is None:
        _refuse("a section is not audio, video or application")
    kind, port = match[1], _number(match[2], "m", 65535)
    lines = _Lines(block)
    mid, bundle_only = lines.first("mid") or "", lines.has("bundle-only")
    if match[3] not in (_DATA_PROTOCOLS if kind == "application" else _MEDIA_PROTOCOLS):
        _refuse("a section does not use DTLS")
    if not mid and (port or bundle_only):
        _refuse("a section has no mid")
    address = (lines.first("c") or session.first("c") or "").split(" ")
    common = MediaSection(
        kind=_kind(kind),
        mid=mid,
        port=port,
        address=address[2] if len(address) == 3 else UNSPECIFIED_ADDRESS,
        bundle_only=bundle_only,
        ice=_ice(lines, session),
        candidates=_candidates(lines),
        end_of_candidates=lines.has("end-of-candidates"),
        fingerprints=_fingerprints(lines) or _fingerprints(session),
        setup=_setup(lines) or _setup(session),
        bandwidth_bps=_bandwidth(lines),
    )
    if kind == "application":
        return _with_data(common, lines)
    return _with_media(common, lines, session, match[4].split(" "))


def _kind(text: str) -> Kind:
    return "audio" if text == "audio" else "video" if text == "video" else "application"


def _with_data(section: MediaSection, lines: _Lines) -> MediaSection:
    port, size = lines.first("sctp-port"), lines.first("max-message-size")
    return replace(
        section,
        sctp_port=_DEFAULT_SCTP_PORT if port is None else _number(port, "sctp-port", 65535),
        max_message_size=_DEFAULT_MAX_MESSAGE_SIZE
        if size is None
        else _number(size, "max-message-size", 2**63 - 1),
    )


def _with_media(
    section: MediaSection, lines: _Lines, session: _Lines, formats: list[str]
) -> MediaSection:
    return replace(
        section,
        direction=_direction(lines) or _direction(session) or Direction.SENDRECV,
        codecs=_codecs(lines, formats),
        extensions=_extensions(lines),
        ssrcs=tuple(dict.fromkeys(_ssrc(ssrc) for ssrc, _ in lines.pairs("ssrc"))),
        ssrc_groups=tuple(
            SsrcGroup(semantics, tuple(_ssrc(ssrc) for ssrc in ssrcs.split(" ")))
            for semantics, ssrcs in lines.pairs("ssrc-group")
        ),
        cname=_ssrc_attribute(lines, "cname") or "",
        msid=_msid(lines),
        rids=tuple(_rid(value) for value in lines.all("rid")),
        simulcast=_simulcast(lines),
        rtcp_mux=lines.has("rtcp-mux"),
        rtcp_rsize=lines.has("rtcp-rsize"),
    )


def _ice(lines: _Lines, session: _Lines) -> IceParameters | None:
    ufrag = lines.first("ice-ufrag") or session.first("ice-ufrag")
    pwd = lines.first("ice-pwd") or session.first("ice-pwd")
    if not ufrag or not pwd:
        return None
    options = lines.first("ice-options") or session.first("ice-options") or ""
    return IceParameters(ufrag, pwd, session.has("ice-lite"), tuple(options.split()))


def _candidates(lines: _Lines) -> tuple[str, ...]:
    candidates = lines.all("candidate")
    if len(candidates) > MAX_CANDIDATES:
        _refuse(f"a section has more than {MAX_CANDIDATES} candidates")
    return tuple(candidates)


def _fingerprints(lines: _Lines) -> tuple[Fingerprint, ...]:
    return tuple(Fingerprint(name, value) for name, value in lines.pairs("fingerprint"))


def _setup(lines: _Lines) -> Setup | None:
    value = lines.first("setup")
    if value is None:
        return None
    if value not in set(Setup):
        _refuse("setup is not one of those of RFC 8842")
    return Setup(value)


def _bandwidth(lines: _Lines) -> int | None:
    for value in lines.all("b"):
        name, _, number = value.partition(":")
        # RFC 8866 section 5.8: AS counts kilobits; RFC 3890 section 6.2: TIAS counts bits.
        if name in {"AS", "TIAS"}:
            return _number(number, "b", 2**53) * (1000 if name == "AS" else 1)
    return None


def _direction(lines: _Lines) -> Direction | None:
    return next((direction for direction in Direction if lines.has(direction)), None)


def _codecs(lines: _Lines, formats: list[str]) -> tuple[Codec, ...]:
    """Read the payload types in the order of the m= line, which is the order of preference.

    Source: RFC 8829 section 5.2.1 wants an rtpmap for each; a format without one is unusable.
    """
    maps, fmtp = dict(lines.pairs("rtpmap")), dict(lines.pairs("fmtp"))
    feedback: dict[str, list[str]] = {}
    for target, value in lines.pairs("rtcp-fb"):
        feedback.setdefault(target, []).append(value)
    everywhere = feedback.get("*", [])
    codecs = []
    for text in formats:
        payload_type = _number(text, "m", 127)
        if text not in maps:
            continue
        name, *numbers = maps[text].split("/")
        if not 1 <= len(numbers) <= 2 or not name:
            _refuse("an rtpmap is not name/rate or name/rate/channels")
        rate, *channels = [_number(number, "rtpmap", 2**32 - 1) for number in numbers]
        codecs.append(
            Codec(
                payload_type,
                name,
                rate,
                channels[0] if channels else None,
                fmtp.get(text, ""),
                tuple(dict.fromkeys(feedback.get(text, []) + everywhere)),
            )
        )
    if len({codec.payload_type for codec in codecs}) != len(codecs):
        _refuse("a payload type appears twice in a section")
    return tuple(codecs)


def _extensions(lines: _Lines) -> tuple[HeaderExtension, ...]:
    extensions = []
    for key, value in lines.pairs("extmap"):
        number, _, direction = key.partition("/")
        if direction and direction not in set(Direction):
            _refuse("an extmap has an unknown direction")
        id_ = _number(number, "extmap", 4351, 1)
        # RFC 8285 section 5: 15 is reserved; 4096 and up stand for "give me a number".
        if id_ <= 255 and id_ != 15:
            uri = value.split(" ")[0]
            extensions.append(
                HeaderExtension(id_, uri, Direction(direction) if direction else None)
            )
    return tuple(extensions)


def _ssrc(text: str) -> int:
    return _number(text, "ssrc", 2**32 - 1)


def _ssrc_attribute(lines: _Lines, name: str) -> str | None:
    prefix = f"{name}:"
    values = (rest for _, rest in lines.pairs("ssrc") if rest.startswith(prefix))
    return next((value.removeprefix(prefix) for value in values), None)


def _msid(lines: _Lines) -> tuple[str, str] | None:
    # Peers older than RFC 8830 say it per SSRC only.
    value = lines.first("msid") or _ssrc_attribute(lines, "msid")
    if not value:
        return None
    stream, _, track = value.partition(" ")
    return stream, track


def _rid(value: str) -> Rid:
    name, direction, parameters = [*value.split(" ", 2), "", ""][:3]
    way: Literal["send", "recv"] = "send" if direction == "send" else "recv"
    if not name or direction != way:
        _refuse("a rid is neither send nor recv")
    return Rid(name, way, parameters)


def _simulcast(lines: _Lines) -> Simulcast | None:
    value = lines.first("simulcast")
    if value is None:
        return None
    words = value.split(" ")
    lists = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not lists.keys() <= {"send", "recv"}:
        _refuse("simulcast is not send or recv with a list of rids")
    return Simulcast(
        tuple(lists["send"].split(";")) if "send" in lists else (),
        tuple(lists["recv"].split(";")) if "recv" in lists else (),
    )
