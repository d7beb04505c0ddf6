export const toggle = (room, kind, isOn) => {
  const tracks = kind === 'audio' ? room.localParticipant.audioTracks : room.localParticipant.videoTracks; // @ Room.localParticipant, LocalParticipant.audioTracks, Room.localParticipant, LocalParticipant.videoTracks
  tracks.forEach(publication => (isOn ? publication.track.enable() : publication.track.disable())); // @ LocalAudioTrackPublication.track, LocalAudioTrack.enable, LocalAudioTrackPublication.track, LocalAudioTrack.disable
};
