"""Opus decoding with concealment and in-band error correction.

FFmpeg's Opus decoders have no way in for lost packets, so sound would tear at each. The same
libopus that the `av` package carries offers both remedies; it is called directly when it can
be found, and otherwise (`FadingOpusDecoder`) a gap repeats the last sound, fading out.

Source: RFC 6716 sections 2.1.7 and 4.4; libopus 1.x `opus.h`.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any, Final, Protocol

import av
import av.error
import numpy as np
from cffi import FFI

from acs_core.errors import MediaError, Stage
from acs_core.media.frames import Samples

__all__ = ["CHANNELS", "SAMPLE_RATE", "FadingOpusDecoder", "LibopusDecoder", "create_opus_decoder"]

logger = logging.getLogger(__name__)

SAMPLE_RATE: Final = 48000
CHANNELS: Final = 2
# 120 ms, the longest packet (RFC 6716 section 2.1.4).
MAX_SAMPLES: Final = 5760
# The repeated sound of a gap is inaudible after this.
FADE_SECONDS: Final = 0.06

_DECLARATIONS = """
typedef struct OpusDecoder OpusDecoder;
OpusDecoder *opus_decoder_create(int32_t Fs, int channels, int *error);
void opus_decoder_destroy(OpusDecoder *st);
int opus_decode(OpusDecoder *st, const unsigned char *data, int32_t len, int16_t *pcm,
                int frame_size, int decode_fec);
int opus_packet_has_lbrr(const unsigned char *packet, int32_t len);
"""

_ffi = FFI()
_ffi.cdef(_DECLARATIONS)


class OpusDecoder(Protocol):
    """One Opus stream to 48 kHz stereo; calls follow each other in order of time."""

    def decode(self, payload: bytes) -> Samples:
        """Decode one packet.

        Returns:
            Samples, shape ``(n, 2)``.

        Raises:
            MediaError: The packet is damaged.
        """
        ...

    def conceal(self, samples: int, following: bytes | None) -> Samples:
        """Fill a gap.

        Args:
            samples: How long it is.
            following: The packet after the gap, if that was a loss: it may hold a copy of the
                last packet that was lost.

        Returns:
            Samples, shape ``(samples, 2)``.
        """
        ...


@functools.cache
def _libopus() -> Any:
    """Open the libopus that came with `av`; None if there is none of that kind."""
    root = Path(av.__file__).parent
    for folder in (root.parent / "av.libs", root / ".dylibs"):
        for path in sorted(folder.glob("libopus[-.]*")):
            try:
                library = _ffi.dlopen(str(path))
                for name in ("opus_decoder_create", "opus_decode", "opus_packet_has_lbrr"):
                    getattr(library, name)
            except (OSError, AttributeError) as error:
                logger.info("%s cannot be used: %s", path.name, error)
            else:
                return library
    return None


def create_opus_decoder() -> OpusDecoder:
    """Make the best decoder that this installation offers."""
    library = _libopus()
    return FadingOpusDecoder() if library is None else LibopusDecoder(library)


class LibopusDecoder:
    """libopus itself: its own concealment, and recovery from the following packet."""

    def __init__(self, library: Any) -> None:
        """Make a decoder of an opened libopus.

        Raises:
            MediaError: libopus refused.
        """
        error = _ffi.new("int *")
        state = library.opus_decoder_create(SAMPLE_RATE, CHANNELS, error)
        if error[0] or state == _ffi.NULL:
            raise MediaError(f"libopus gave no decoder ({error[0]}).", stage=Stage.MEDIA)
        self._library = library
        self._state = _ffi.gc(state, library.opus_decoder_destroy)
        self._pcm = np.zeros((MAX_SAMPLES, CHANNELS), dtype=np.int16)
        self._pointer = _ffi.cast("int16_t *", self._pcm.ctypes.data)
        # What libopus needs to know for concealment: it works in whole packets.
        self._packet_samples = 960

    def decode(self, payload: bytes) -> Samples:
        """See `OpusDecoder.decode`."""
        pcm = self._run(payload, MAX_SAMPLES, use_copy=False)
        self._packet_samples = len(pcm)
        return pcm

    def conceal(self, samples: int, following: bytes | None) -> Samples:
        """See `OpusDecoder.conceal`."""
        has_copy = (
            following is not None
            and samples >= self._packet_samples
            and self._library.opus_packet_has_lbrr(following, len(following)) > 0
        )
        pieces: list[Samples] = []
        remaining = samples - (self._packet_samples if has_copy else 0)
        while remaining > 0:
            # libopus conceals in steps of 2.5 ms; a remainder below that stays silent.
            size = min(remaining, self._packet_samples) // 120 * 120
            if not size:
                pieces.append(np.zeros((remaining, CHANNELS), dtype=np.int16))
                break
            pieces.append(self._run(None, size, use_copy=False))
            remaining -= size
        if has_copy:
            pieces.append(self._run(following, self._packet_samples, use_copy=True))
        return np.concatenate(pieces)

    def _run(self, payload: bytes | None, samples: int, *, use_copy: bool) -> Samples:
        count = self._library.opus_decode(
            self._state,
            _ffi.NULL if payload is None else payload,
            0 if payload is None else len(payload),
            self._pointer,
            samples,
            int(use_copy),
        )
        if count < 0:
            raise MediaError(f"libopus could not decode a packet ({count}).", stage=Stage.MEDIA)
        return self._pcm[:count].copy()


class FadingOpusDecoder:
    """FFmpeg's decoder; a gap repeats the last sound backwards and forwards, fading out."""

    def __init__(self) -> None:
        """Make a decoder."""
        # The `av` stubs do not tell that an Opus context is an audio one.
        self._codec: Any = av.CodecContext.create("libopus", "r")
        self._codec.format = "s16"
        self._codec.layout = "stereo"
        self._codec.sample_rate = SAMPLE_RATE
        self._last: Samples = np.zeros((0, CHANNELS), dtype=np.int16)

    def decode(self, payload: bytes) -> Samples:
        """See `OpusDecoder.decode`."""
        try:
            frames = self._codec.decode(av.Packet(payload))
        except av.error.FFmpegError as error:
            raise MediaError(f"Opus packet: {error}", stage=Stage.MEDIA) from error
        pieces = [frame.to_ndarray().reshape(-1, CHANNELS) for frame in frames]
        if not pieces:
            raise MediaError("An Opus packet holds no sound.", stage=Stage.MEDIA)
        self._last = np.concatenate(pieces)
        return self._last

    def conceal(self, samples: int, following: bytes | None) -> Samples:
        """See `OpusDecoder.conceal`; `following` is of no use here."""
        pcm = np.zeros((samples, CHANNELS), dtype=np.int16)
        length = min(samples, int(FADE_SECONDS * SAMPLE_RATE))
        if not len(self._last) or not length:
            return pcm
        # Backwards first: the gap then begins where the sound before it ended.
        mirror = np.concatenate([self._last[::-1], self._last])
        repeats = -(-length // len(mirror))
        fade = np.linspace(1.0, 0.0, length)[:, np.newaxis]
        pcm[:length] = np.tile(mirror, (repeats, 1))[:length] * fade
        self._last = np.zeros((0, CHANNELS), dtype=np.int16)
        return pcm
