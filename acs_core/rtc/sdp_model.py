"""Session descriptions as values: what a WebRTC peer says about its sections.

A description is immutable and knows nothing of offers and answers: that is the business of the
negotiations. `acs_core.rtc.sdp` turns it into text and back, and gives these names too.

Source: RFC 8866 (SDP), RFC 8829 section 5 (JSEP), RFC 8843 (BUNDLE), RFC 8839 (ICE),
RFC 8122 and 8842 (DTLS), RFC 8841 (SCTP), RFC 5576 (ssrc), RFC 8851 and 8853 (rid, simulcast),
RFC 8285 (header extensions), RFC 4585 (feedback), RFC 4588 (rtx).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, TypeAlias

__all__ = [
    "DISCARD_PORT",
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
]

Kind: TypeAlias = Literal["audio", "video", "application"]
"""What a section carries; ``application`` is the SCTP association of the data channels."""

# What stands for "not known yet" (RFC 8840 section 4.1.1, RFC 8829 section 5.2.1).
UNSPECIFIED_ADDRESS: Final = "0.0.0.0"
DISCARD_PORT: Final = 9


class Direction(StrEnum):
    """Which way media may flow, seen from the one who wrote it (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, send: bool, receive: bool) -> Direction:
        """Give the direction that sends and receives as told."""
        if send:
            return cls.SENDRECV if receive else cls.SENDONLY
        return cls.RECVONLY if receive else cls.INACTIVE

    @property
    def is_sending(self) -> bool:
        """Whether the writer sends."""
        return self in {Direction.SENDRECV, Direction.SENDONLY}

    @property
    def is_receiving(self) -> bool:
        """Whether the writer is willing to receive."""
        return self in {Direction.SENDRECV, Direction.RECVONLY}


class Setup(StrEnum):
    """Who opens the DTLS connection (RFC 8842 section 5.3)."""

    ACTPASS = "actpass"
    ACTIVE = "active"
    PASSIVE = "passive"
    HOLDCONN = "holdconn"


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section.

    Attributes:
        payload_type: 0 to 127.
        name: Encoding name as written, for instance ``VP8``; compare `key`, not this.
        clock_rate: RTP ticks per second.
        channels: Audio channels, None where the rtpmap does not say.
        fmtp: Format parameters verbatim, for instance ``minptime=10;useinbandfec=1``.
        feedback: RTCP feedback, for instance ``("nack", "nack pli")``.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int | None = None
    fmtp: str = ""
    feedback: tuple[str, ...] = ()

    def parameter(self, name: str) -> str | None:
        """Give one format parameter: None when absent, empty when it has no value."""
        for item in self.fmtp.split(";"):
            key, _, value = item.strip().partition("=")
            if key.lower() == name:
                return value
        return None

    @property
    def apt(self) -> int | None:
        """The payload type whose packets this one repeats, for rtx only (RFC 4588 section 8.1)."""
        value = self.parameter("apt") if self.name.lower() == "rtx" else None
        is_number = value is not None and re.fullmatch(r"[0-9]{1,3}", value) is not None
        return int(value) if value is not None and is_number else None

    @property
    def key(self) -> str:
        """What two ends must agree on to understand each other, for instance ``opus/48000/2``.

        The encoding name in lower case is everything before the first slash. Video codecs with
        incompatible profiles have different keys: ``h264/90000/42e0/1`` is the constrained
        baseline profile in packetization mode 1, ``vp9/90000/0`` is VP9 profile 0.

        Source: RFC 6184 section 8.2.2 (the level is not part of the agreement when
        level-asymmetry-allowed), RFC 9628 section 6.1, AV1 RTP section 7.2.3, RFC 7798
        section 7.1 (the default H.265 profile is 1).
        """
        name = self.name.lower()
        base = f"{name}/{self.clock_rate}"
        if name == "h264":
            return f"{base}/{self._h264_profile()}/{self.parameter('packetization-mode') or 0}"
        if name == "vp9":
            return f"{base}/{self.parameter('profile-id') or 0}"
        if name == "av1":
            return f"{base}/{self.parameter('profile') or 0}"
        if name == "h265":
            return f"{base}/{self.parameter('profile-id') or 1}"
        # RFC 8866 section 6.6: the channel count may be omitted when it is one.
        return base if self.channels in {None, 1} else f"{base}/{self.channels}"

    def _h264_profile(self) -> str:
        """Give profile_idc and constraints as four hex digits, equivalent profiles alike.

        Source: RFC 6184 section 8.1, table 5; libwebrtc takes an absent profile-level-id as
        constrained baseline.
        """
        text = (self.parameter("profile-level-id") or "42e01f").lower()
        if re.fullmatch(r"[0-9a-f]{6}", text) is None:
            return text
        profile, constraints = text[:2], int(text[2:4], 16)
        required = {"42": 0x40, "4d": 0x80, "58": 0xC0}.get(profile)
        if required is not None and constraints & required == required:
            return "42e0"
        return "4200" if profile == "42" else text[:4]


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """An id (1 to 255, without 15) that stands for a header extension (RFC 8285 section 5)."""

    id: int
    uri: str
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """SSRCs that belong together: ``FID`` media and rtx, ``SIM`` layers from low to high."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IceParameters:
    """Credentials and abilities of one ICE agent; `lite` is written once for the session."""

    ufrag: str
    pwd: str
    lite: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hash of a certificate: ``sha-256`` and colon separated hex (RFC 8122 section 5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Rid:
    """The sender's name for a layer; `parameters` verbatim (RFC 8851 section 4)."""

    id: str
    direction: Literal["send", "recv"]
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Simulcast:
    """Layers in the writer's order of preference; alternatives keep commas, paused ones `~`."""

    send: tuple[str, ...] = ()
    receive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """What an end says about its own transport in each section it writes.

    Attributes:
        ufrag: ICE user name fragment, letters, digits, ``+`` and ``/`` only.
        pwd: ICE password.
        candidates: Values as after ``candidate:``; the first is the default destination.
        fingerprint: Of the DTLS certificate.
    """

    ufrag: str
    pwd: str
    candidates: tuple[str, ...]
    fingerprint: Fingerprint

    def destination(self) -> tuple[str, int]:
        """Give address and port for ``c=`` and ``m=``; the discard port without candidates.

        Source: RFC 8839 section 4.2.1.2.
        """
        fields = self.candidates[0].split(" ") if self.candidates else []
        if len(fields) >= 6 and fields[5].isascii() and fields[5].isdigit():
            return fields[4], int(fields[5])
        return UNSPECIFIED_ADDRESS, DISCARD_PORT

    def apply(self, section: MediaSection, setup: Setup, *, lite: bool = False) -> MediaSection:
        """Give `section` with this transport in it; a rejected section keeps its port 0."""
        address, port = self.destination()
        return replace(
            section,
            port=0 if section.is_rejected else port,
            address=address,
            ice=IceParameters(self.ufrag, self.pwd, lite=lite),
            candidates=self.candidates,
            end_of_candidates=True,
            fingerprints=(self.fingerprint,),
            setup=setup,
        )


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """What the other end says about its transport, in the section that carries the bundle."""

    ice: IceParameters
    candidates: tuple[str, ...]
    end_of_candidates: bool
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup | None


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One ``m=`` section.

    Attributes:
        kind: What it carries.
        mid: Its identity within the connection; empty only for a rejected section.
        port: 0 rejects the section, unless `bundle_only`.
        address: Of the ``c=`` line.
        ssrcs: In the order of the text: for one stream primary, then rtx.
        cname: Of the first SSRC that has one.
        msid: Stream id and track id, the latter empty where only the first is given.
        sctp_port: For ``application`` only.
        max_message_size: For ``application`` only; bytes, 0 means any.
        bandwidth_bps: Upper limit the writer wants to receive (``b=TIAS`` or ``b=AS``).
    """

    kind: Kind
    mid: str
    port: int = DISCARD_PORT
    address: str = UNSPECIFIED_ADDRESS
    bundle_only: bool = False
    direction: Direction = Direction.SENDRECV
    codecs: tuple[Codec, ...] = ()
    extensions: tuple[HeaderExtension, ...] = ()
    ssrcs: tuple[int, ...] = ()
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    cname: str = ""
    msid: tuple[str, str] | None = None
    rids: tuple[Rid, ...] = ()
    simulcast: Simulcast | None = None
    ice: IceParameters | None = None
    candidates: tuple[str, ...] = ()
    end_of_candidates: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: Setup | None = None
    sctp_port: int | None = None
    max_message_size: int | None = None
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bandwidth_bps: int | None = None

    @property
    def is_rejected(self) -> bool:
        """Whether the section is refused or was stopped (RFC 8843 section 6)."""
        return self.port == 0 and not self.bundle_only


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole offer or answer; `bundle` holds the mids of the BUNDLE group."""

    sections: tuple[MediaSection, ...] = ()
    bundle: tuple[str, ...] = ()
    ice_lite: bool = False
    extmap_allow_mixed: bool = False
    session_id: int = 0
    version: int = 0

    @property
    def transport(self) -> RemoteTransport | None:
        """The transport of the bundle: that of the first section in use; None if there is none."""
        for section in self.sections:
            if section.ice is not None and not section.is_rejected:
                return RemoteTransport(
                    section.ice,
                    section.candidates,
                    section.end_of_candidates,
                    section.fingerprints,
                    section.setup,
                )
        return None
