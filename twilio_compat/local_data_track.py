"""Messages of this program: the local data track.

Source: twilio-video.js 2.36, `lib/media/track/localdatatrack.js`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, Unpack, final

from acs_core.errors import CallingError
from twilio_compat.options import DataTrackKeywords, OptionBag, read_data_track_options
from twilio_compat.track import Track, new_track_id

if TYPE_CHECKING:
    from acs_core.client.publications import LocalPublication

__all__ = ["LocalDataTrack"]

_log = logging.getLogger(__name__)


@final
class LocalDataTrack(Track):
    """Messages of this program.

    Args:
        options: `{"ordered": ..., "maxRetransmits": ..., "maxPacketLifeTime": ..., "name": ...}`.
        **keywords: The same in snake_case. At most one of the limits may be set.
    """

    def __init__(
        self, options: OptionBag | None = None, **keywords: Unpack[DataTrackKeywords]
    ) -> None:
        self._options = read_data_track_options(options, keywords)
        self._id = new_track_id()
        super().__init__(self._options.name or self._id)
        self._cores: list[LocalPublication] = []

    @property
    def id(self) -> str:
        """A random id; the SID belongs to the publication."""
        return self._id

    @property
    def kind(self) -> Literal["data"]:
        """Always "data"."""
        return "data"

    @property
    def is_enabled(self) -> bool:
        """Always True."""
        return True

    @property
    def ordered(self) -> bool:
        """Whether messages arrive in the order they were sent."""
        return self._options.ordered

    @property
    def max_retransmits(self) -> int | None:
        """Resends after which a message is given up."""
        return self._options.max_retransmits

    @property
    def max_packet_life_time(self) -> int | None:
        """Milliseconds after which a message is given up."""
        return self._options.max_packet_life_time

    @property
    def reliable(self) -> bool:
        """Whether no message is ever given up."""
        return self.max_retransmits is None and self.max_packet_life_time is None

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a message in every room where the track is published: fire and forget.

        Raises:
            TypeError: Neither text nor bytes.
        """
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise TypeError("data must be a string or bytes")
        payload = data if isinstance(data, str) else bytes(data)
        for core in tuple(self._cores):
            try:
                core.send(payload)
            except CallingError as error:
                # Twilio's sender swallows this; a log says what was lost.
                _log.warning("A message of %s was not sent: %s", self.name, error)

    def bind(self, core: LocalPublication) -> None:
        """Follow a publication of this track; for `LocalParticipant`."""
        self._cores.append(core)

    def unbind(self, core: LocalPublication) -> None:
        """Stop following a publication; for `LocalParticipant`."""
        if core in self._cores:
            self._cores.remove(core)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = is_enabled
    maxRetransmits = max_retransmits
    maxPacketLifeTime = max_packet_life_time
