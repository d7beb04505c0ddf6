"""How local tracks are made: from a device, a file, a pattern or tone, or by the program.

A track that was made has been opened once, so a missing device or file is an error here.
"""

from __future__ import annotations

from typing import Unpack

from acs_core.media.sources import MediaSource
from twilio_compat.connect_options import TracksRequest, read_tracks_options
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalAudioTrack, LocalTrack, LocalVideoTrack
from twilio_compat.media_sources import open_source
from twilio_compat.noise_cancellation import open_noise_cancellation
from twilio_compat.option_types import (
    CreateLocalAudioTrackOptions,
    CreateLocalTrackOptions,
    CreateLocalTracksOptions,
)
from twilio_compat.options import OptionBag, TrackOptions, read_track_options

__all__ = [
    "as_local_track",
    "createLocalAudioTrack",
    "createLocalTracks",
    "createLocalVideoTrack",
    "create_local_audio_track",
    "create_local_tracks",
    "create_local_video_track",
    "make_local_tracks",
]


async def create_local_audio_track(
    options: OptionBag | None = None, **keywords: Unpack[CreateLocalAudioTrackOptions]
) -> LocalAudioTrack:
    """Make an audio track: the default microphone unless `source` says otherwise.

    A track of the default microphone goes over to another one when that becomes the default,
    unless `defaultDeviceCaptureMode` is "manual".

    Args:
        options: Twilio's bag: media constraints, `name`, `defaultDeviceCaptureMode`,
            `noiseCancellationOptions`, and ours: `source`, `devices`, `loop`, `frequency`.
        **keywords: The same, in either spelling.

    Raises:
        SourceUnavailableError: The device or file cannot be opened (412), or the
            `PermissionPolicy` of `devices` does not permit it (403).
        TypeError: Unknown option.
        ValueError: An option has none of its values.
    """
    return await _make_audio(read_track_options(options, keywords))


async def create_local_video_track(
    options: OptionBag | None = None, **keywords: Unpack[CreateLocalTrackOptions]
) -> LocalVideoTrack:
    """Make a video track: the default camera unless `source` says otherwise.

    Args:
        options: As for `create_local_audio_track`; also `width`, `height`, `frameRate`, `color`.
        **keywords: The same, in either spelling.

    Raises:
        SourceUnavailableError: The device or file cannot be opened, or must not be.
        TypeError: Unknown option.
    """
    return await _make_video(read_track_options(options, keywords))


async def create_local_tracks(
    options: OptionBag | None = None, **keywords: Unpack[CreateLocalTracksOptions]
) -> list[LocalTrack]:
    """Make an audio and a video track, each unless it is False; all of them or none.

    Args:
        options: Twilio's bag: `audio`, `video`, or `tracks` to be used as they are.
        **keywords: The same, in either spelling.

    Raises:
        SourceUnavailableError: A device or file cannot be opened.
        TypeError: Unknown option.
    """
    chosen = read_tracks_options(options, keywords)
    if chosen.tracks is not None:
        return [as_local_track(track) for track in chosen.tracks]
    return await make_local_tracks(chosen)


async def make_local_tracks(wanted: TracksRequest) -> list[LocalTrack]:
    """Make the tracks of `connect`; when the second fails the first is stopped."""
    sound = None if wanted.audio is None else await _make_audio(wanted.audio)
    try:
        picture = None if wanted.video is None else await _make_video(wanted.video)
    except BaseException:
        if sound is not None:
            sound.stop()
            await sound.closed()
        raise
    return [track for track in (sound, picture) if track is not None]


def as_local_track(track: object, *, name: str | None = None) -> LocalTrack:
    """A local track as it is, a source as a new track on it.

    Args:
        track: Either.
        name: Of a new track; None for a random one.

    Raises:
        TypeError: Neither.
    """
    if isinstance(track, LocalAudioTrack | LocalVideoTrack | LocalDataTrack):
        return track
    if isinstance(track, MediaSource):
        made = LocalAudioTrack if track.kind == "audio" else LocalVideoTrack
        return made(track, name=name)
    raise TypeError(
        "track must be a LocalAudioTrack, LocalVideoTrack, LocalDataTrack, or MediaSource"
    )


async def _make_audio(options: TrackOptions) -> LocalAudioTrack:
    wanted = options.noise_cancellation_options
    # Before the device, which nobody would let go of if this were canceled.
    noise = None if wanted is None else await open_noise_cancellation(wanted)
    opened = await open_source("audio", options)
    track = LocalAudioTrack(opened.source, name=options.name)
    if noise is not None:
        track.cancel_noise(noise)
    return track.made_from(options, opened)


async def _make_video(options: TrackOptions) -> LocalVideoTrack:
    opened = await open_source("video", options)
    return LocalVideoTrack(opened.source, name=options.name).made_from(options, opened)


# Twilio's spellings; tests/twilio_compat/test_names.py checks them.
createLocalAudioTrack = create_local_audio_track  # noqa: N816
createLocalVideoTrack = create_local_video_track  # noqa: N816
createLocalTracks = create_local_tracks  # noqa: N816
