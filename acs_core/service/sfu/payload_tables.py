"""Payload types and header extension ids of one connection: learned once, never changed.

Theory of operation. A browser keeps one receive table for the whole bundle; a number that comes to
mean something else crashes the tab or is refused. So the numbers belong to the connection: a kind
takes those of the first description in which the remote end describes it, or our own if we must
describe it first. A later description can add numbers, never redefine one: an entry that
contradicts the table is left out of what is negotiated. Our own numbers avoid every number that was
ever seen, whether we use it or not.

Source: RFC 8843 section 9.1 (payload types) and section 15 (extension ids) want one meaning per
bundle; RFC 8829 section 5.2.2 wants it kept in later offers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

from acs_core.rtc.formats import FEEDBACK, VIDEO_FEEDBACK, is_auxiliary, select
from acs_core.rtc.packet import Uri
from acs_core.rtc.sdp import (
    Codec,
    Direction,
    HeaderExtension,
    MediaSection,
    SessionDescription,
)

__all__ = ["FORWARDED_EXTENSIONS", "PayloadTables"]

FORWARDED_EXTENSIONS: Final[frozenset[str]] = frozenset(
    {
        Uri.MID,
        Uri.RID,
        Uri.REPAIRED_RID,
        Uri.AUDIO_LEVEL,
        Uri.ABS_SEND_TIME,
        Uri.VIDEO_ORIENTATION,
        Uri.ABS_CAPTURE_TIME,
        Uri.PLAYOUT_DELAY,
        Uri.VIDEO_CONTENT_TYPE,
        Uri.DEPENDENCY_DESCRIPTOR,
    }
)
"""Extensions that mean the same at every receiver, or are rewritten on the way."""

# Redundancy and comfort noise belong to a stream as a whole: what the sender protects is not what
# a subscriber gets. The SFU repairs with rtx instead.
_NOT_FORWARDED: Final = frozenset({"red", "ulpfec", "flexfec", "flexfec-03", "cn"})

# RFC 3551 section 6: dynamic numbers first; RFC 5761 section 4 keeps 64 to 95 free for RTCP.
_FREE_PAYLOAD_TYPES: Final = (*range(96, 128), *range(35, 64))
# RFC 8285 sections 4.2 and 4.3: 1 to 14 fit the one-byte form, 15 is reserved.
_FREE_IDS: Final = (*range(1, 15), *range(16, 256))

_H264_FMTP: Final = "level-asymmetry-allowed=1;packetization-mode={};profile-level-id={}"
_OWN_AUDIO: Final = (
    Codec(111, "opus", 48000, 2, "minptime=10;useinbandfec=1", ("nack",)),
    Codec(0, "PCMU", 8000),
    Codec(8, "PCMA", 8000),
)
_OWN_VIDEO: Final = tuple(
    Codec(payload_type, name, 90000, fmtp=fmtp, feedback=VIDEO_FEEDBACK)
    for payload_type, name, fmtp in (
        (96, "VP8", ""),
        (102, "H264", _H264_FMTP.format(1, "42e01f")),
        (104, "H264", _H264_FMTP.format(1, "42001f")),
        (106, "H264", _H264_FMTP.format(0, "42e01f")),
        (98, "VP9", "profile-id=0"),
        (100, "AV1", ""),
    )
)
_OWN_EXTENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "audio": (Uri.MID, Uri.AUDIO_LEVEL, Uri.ABS_SEND_TIME),
    "video": (
        Uri.MID,
        Uri.ABS_SEND_TIME,
        Uri.VIDEO_ORIENTATION,
        Uri.PLAYOUT_DELAY,
        Uri.VIDEO_CONTENT_TYPE,
        Uri.DEPENDENCY_DESCRIPTOR,
    ),
}


class PayloadTables:
    """The numbers of one connection.

    Args:
        codec_names: Encoding names in lower case that may be used, for instance
            ``{"opus", "h264"}`` for a room that allows nothing else; None for all.
    """

    def __init__(self, codec_names: Collection[str] | None = None) -> None:
        self._codec_names = codec_names
        self._codecs: dict[str, dict[int, Codec]] = {}
        self._described: dict[str, frozenset[str]] = {}
        self._settled: set[str] = set()
        self._own: set[str] = set()
        self._extensions: dict[str, dict[str, int]] = {}
        self._seen_payload_types: set[int] = set()
        self._uris: dict[int, str] = {}

    def learn(self, description: SessionDescription) -> None:
        """Take in what a remote description says, as far as it contradicts nothing known."""
        sections = [
            section
            for section in description.sections
            if section.kind != "application" and not section.is_rejected
        ]
        for section in sections:
            self._learn_codecs(section)
            self._note_receivable(section)
            self._learn_extensions(section)
            self._seen_payload_types.update(codec.payload_type for codec in section.codecs)

    def described(self, kind: str) -> frozenset[str]:
        """Give the keys of all codecs of a kind that the remote end has ever described."""
        return self._described.get(kind, frozenset())

    def excludes(self, kind: str, keys: Collection[str]) -> bool:
        """Tell whether the remote end is known to take none of these codecs.

        False while it may: before it described the kind, and where it only sent and our own
        numbers would be offered to it.
        """
        return kind in self._settled and self.described(kind).isdisjoint(keys)

    def codecs(self, kind: str) -> tuple[Codec, ...]:
        """Give all codecs of a kind, most wanted first; assigns our own numbers if none is known.

        Empty only when none of this kind is allowed.
        """
        if not self._codecs.get(kind):
            self._assign_codecs(kind)
        return tuple(self._codecs[kind].values())

    def extensions(self, kind: str) -> tuple[HeaderExtension, ...]:
        """Give all header extensions of a kind; assigns our own numbers if none is known."""
        if kind not in self._extensions:
            self._assign_extensions(kind)
        return tuple(HeaderExtension(id_, uri) for uri, id_ in self._extensions[kind].items())

    def common_codecs(self, section: MediaSection) -> tuple[Codec, ...]:
        """Give those of our codecs that a remote section has too, in the order of the section."""
        known = {codec.payload_type: codec for codec in self.codecs(section.kind)}
        both = (
            known[codec.payload_type]
            for codec in section.codecs
            if codec.payload_type in known and _is_same(codec, known[codec.payload_type])
        )
        return select(both, lambda _codec: True)

    def common_extensions(self, section: MediaSection) -> tuple[HeaderExtension, ...]:
        """Give those of our header extensions that a remote section has too."""
        offered = {(extension.id, extension.uri) for extension in section.extensions}
        return tuple(
            extension
            for extension in self.extensions(section.kind)
            if (extension.id, extension.uri) in offered
        )

    def _is_forwarded(self, codec: Codec) -> bool:
        name = codec.name.lower()
        is_allowed = self._codec_names is None or name in self._codec_names
        return name not in _NOT_FORWARDED and (is_allowed or is_auxiliary(codec))

    def _learn_codecs(self, section: MediaSection) -> None:
        others = chain.from_iterable(
            codecs for kind, codecs in self._codecs.items() if kind != section.kind
        )
        taken = set(others)
        table = self._codecs.setdefault(section.kind, {})
        consistent = (
            codec
            for codec in section.codecs
            if codec.payload_type not in taken
            and _is_same(codec, table.get(codec.payload_type, codec))
        )
        for codec in select(consistent, self._is_forwarded):
            if codec.payload_type not in table:
                feedback = tuple(item for item in codec.feedback if item in FEEDBACK)
                table[codec.payload_type] = replace(codec, feedback=feedback)

    def _note_receivable(self, section: MediaSection) -> None:
        kind = section.kind
        keys = {codec.key for codec in section.codecs if not is_auxiliary(codec)}
        self._described[kind] = self.described(kind) | keys
        # Our offers hold what is in the table. Where that came from the remote end, no answer can
        # have more. Where it is ours, only an end that does not send lists all that it decodes:
        # one that sends lists what it can encode, too.
        is_theirs = bool(self._codecs[kind]) and kind not in self._own
        if is_theirs or section.direction is Direction.RECVONLY:
            self._settled.add(kind)

    def _learn_extensions(self, section: MediaSection) -> None:
        table = self._extensions.setdefault(section.kind, {})
        known = {uri: id_ for id_, uri in self._uris.items()}
        for extension in section.extensions:
            uri = self._uris.setdefault(extension.id, extension.uri)
            is_consistent = uri == extension.uri and known.setdefault(uri, extension.id) == (
                extension.id
            )
            if is_consistent and uri in FORWARDED_EXTENSIONS:
                table.setdefault(uri, extension.id)

    def _assign_codecs(self, kind: str) -> None:
        table: dict[int, Codec] = {}
        for codec in filter(self._is_forwarded, _OWN_AUDIO if kind == "audio" else _OWN_VIDEO):
            number = self._payload_type(codec.payload_type)
            if number is None:
                continue
            table[number] = replace(codec, payload_type=number)
            rtx = self._payload_type(codec.payload_type + 1) if kind == "video" else None
            if rtx is not None:
                table[rtx] = Codec(rtx, "rtx", 90000, fmtp=f"apt={number}")
        self._codecs[kind] = table
        self._own.add(kind)

    def _payload_type(self, preferred: int) -> int | None:
        """Take a number that was never seen; None when there is none left."""
        # Below 35 a number has a fixed meaning (RFC 3551 section 6) and no substitute.
        candidates = (preferred, *_FREE_PAYLOAD_TYPES) if preferred >= 35 else (preferred,)
        free = next((n for n in candidates if n not in self._seen_payload_types), None)
        if free is not None:
            self._seen_payload_types.add(free)
        return free

    def _assign_extensions(self, kind: str) -> None:
        known = {uri: id_ for id_, uri in self._uris.items()}
        table: dict[str, int] = {}
        for uri in _OWN_EXTENSIONS[kind]:
            id_ = known.get(uri) or next((n for n in _FREE_IDS if n not in self._uris), None)
            if id_ is not None:
                self._uris[id_] = uri
                table[uri] = id_
        self._extensions[kind] = table


def _is_same(codec: Codec, known: Codec) -> bool:
    return codec.key == known.key and codec.apt == known.apt
