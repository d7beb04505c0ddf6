"""Which section of one connection carries which stream of ours. Pure.

Theory of operation. The list of sections only grows. A stream that waits is put on a section of
ours that is free, else into the slot of a rejected one, else at the end; the next offer tells the
remote end. Until that offer is answered it can be taken back (`restore`).

Source: RFC 8829 section 5 (which sections are kept, reused and recycled). That a reused section
needs a fresh SSRC for Chromium and its old one for aiortc was measured with Chromium 156 and
aiortc 1.16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from acs_core.errors import InvalidStateError, Stage
from acs_core.rtc.sdp import MAX_SECTIONS, Kind, MediaSection
from acs_core.service.sfu.changes import (
    Change,
    RefusalReason,
    SsrcPolicy,
    StreamEnded,
    StreamRefused,
)
from acs_core.service.sfu.sections import NO_SSRCS, OutgoingStream, Said, Section, refuse

__all__ = ["Placement"]


class Placement:
    """The sections of one connection, our streams, and who is where.

    Args:
        ssrc_policy: What the client at the other end needs.
        new_ssrc: Gives a random 32-bit number at each call.

    Attributes:
        is_data_wanted: There is to be a data section.
    """

    def __init__(self, ssrc_policy: SsrcPolicy, new_ssrc: Callable[[], int]) -> None:
        self.is_data_wanted = False
        self._ssrc_policy = ssrc_policy
        self._new_ssrc = new_ssrc
        self._sections: list[Section] = []
        self._streams: dict[str, OutgoingStream] = {}
        self._kinds: dict[str, Kind] = {}
        self._own_ssrcs: set[int] = set()

    @property
    def sections(self) -> Sequence[Section]:
        """All of them, in the order of the descriptions."""
        return self._sections

    @property
    def streams(self) -> Mapping[str, OutgoingStream]:
        """Ours, by key."""
        return self._streams

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each mid that was ever used."""
        return self._kinds

    @property
    def ssrc_policy(self) -> SsrcPolicy:
        """What the client at the other end needs."""
        return self._ssrc_policy

    # ------------------------------------------------------------------------------ wishes

    def add(self, stream: OutgoingStream) -> None:
        """Let a stream wait for a section.

        Raises:
            InvalidStateError: The key is in use.
        """
        if stream.key in self._streams:
            raise InvalidStateError(
                f"Stream {stream.key} was added before.", stage=Stage.NEGOTIATION
            )
        self._streams[stream.key] = stream

    def remove(self, key: str) -> None:
        """Forget a stream; its section is free once the remote end was told.

        Raises:
            InvalidStateError: There is no such stream.
        """
        stream = self._streams.pop(key, None)
        if stream is None:
            raise InvalidStateError(f"There is no stream {key}.", stage=Stage.NEGOTIATION)
        if stream.section is not None:
            stream.section.key = None

    @property
    def has_work(self) -> bool:
        """Whether `place_all` would do something."""
        return self._data_slot() is not None or any(
            self._slot(stream.kind) is not None for stream in self._unplaced()
        )

    def place_all(self) -> None:
        """Put everything that waits on a section, as far as there are any."""
        data_slot = self._data_slot()
        if data_slot is not None:
            self._open(data_slot, "application")
        for stream in self._unplaced():
            self._place(stream)

    def refuse_unplaced(self) -> tuple[Change, ...]:
        """Streams for which no section is left, each told once; they go on waiting for one."""
        reason = RefusalReason.NO_SECTION
        return tuple(
            change
            for stream in self._unplaced()
            if self._slot(stream.kind) is None
            for change in refuse(stream, reason, is_retried=True)
        )

    def restore(self) -> None:
        """Take the sections back that were never described to the end; their streams wait again."""
        sections = [s if s.is_described else s.replaced for s in self._sections]
        kept = [section for section in sections if section is not None]
        for stream in self._streams.values():
            if stream.section is not None and not stream.section.is_described:
                stream.section = None
        self._sections = kept

    def fresh_ssrcs(self) -> tuple[int, int]:
        """A primary and an rtx SSRC that this connection never had."""
        return self._fresh_ssrc(), self._fresh_ssrc()

    # ------------------------------------------------------------------ the remote end

    def match(self, index: int, remote: MediaSection) -> list[Change]:
        """Make sure that there is a section for `remote`; a slot may have got a new mid."""
        if index < len(self._sections) and remote.mid in {"", self._sections[index].mid}:
            return []
        section = Section(remote.mid, remote.kind)
        if remote.mid:
            self._kinds[remote.mid] = remote.kind
        if index == len(self._sections):
            self._sections.append(section)
            return []
        old, self._sections[index] = self._sections[index], section
        return self.retire(old)

    def retire(self, section: Section) -> list[Change]:
        """Give a section up; an accepted stream of ours on it waits for another section."""
        changes: list[Change] = []
        if section.received is not None:
            changes.append(StreamEnded(section.mid))
        if section.key is not None:
            stream = self._streams[section.key]
            # A stream that a fresh section was refused for would be refused again, for ever.
            stream.is_given_up = stream.accepted is None
            stream.section = stream.accepted = None
            reason = RefusalReason.SECTION_REJECTED
            changes.append(StreamRefused(stream.key, reason, is_retried=not stream.is_given_up))
        if section.kind == "application":
            self.is_data_wanted = False
        section.key = section.received = None
        section.is_rejected = True
        section.told = Said()
        return changes

    # --------------------------------------------------------------------------- slots

    def _unplaced(self) -> list[OutgoingStream]:
        streams = self._streams.values()
        return [s for s in streams if s.section is None and not s.is_given_up]

    def _data_slot(self) -> int | None:
        """Find the index for a data section; None if none is wanted, missing or possible."""
        kinds = {section.kind for section in self._sections if not section.is_rejected}
        is_missing = self.is_data_wanted and "application" not in kinds
        return self._slot("application") if is_missing else None

    def _slot(self, kind: Kind) -> int | None:
        """Find the index for a new section: one to reuse, a rejected one, or the end."""
        for index, section in enumerate(self._sections):
            if section.kind == kind and section.is_reusable:
                return index
        for index, section in enumerate(self._sections):
            if section.kind == kind and section.is_rejected and section.is_described:
                return index
        return len(self._sections) if len(self._sections) < MAX_SECTIONS else None

    def _place(self, stream: OutgoingStream) -> None:
        index = self._slot(stream.kind)
        if index is None:
            return
        section = self._open(index, stream.kind)
        section.key, stream.section = stream.key, section
        if section.ssrcs == NO_SSRCS or self._ssrc_policy is SsrcPolicy.FRESH:
            section.ssrcs = self.fresh_ssrcs()

    def _open(self, index: int, kind: Kind) -> Section:
        """Give the section to use at a slot, with a mid that was never used if it is a new one."""
        old = self._sections[index] if index < len(self._sections) else None
        if old is not None and old.is_reusable:
            return old
        letter = "d" if kind == "application" else "s"
        # No number of ours can clash with those that browsers and aiortc give: 0, 1, 2 ...
        mid = next(
            f"{letter}{n}" for n in range(len(self._kinds) + 1) if f"{letter}{n}" not in self._kinds
        )
        self._kinds[mid] = kind
        section = Section(mid, kind, is_own=True, replaced=old)
        self._sections[index : index + 1] = [section]
        return section

    def _fresh_ssrc(self) -> int:
        ssrc = self._new_ssrc()
        while ssrc in self._own_ssrcs:
            ssrc = self._new_ssrc()
        self._own_ssrcs.add(ssrc)
        return ssrc
