let video;
export async function load() {
  video = await import('twilio-video'); // @ import
  return video.createLocalAudioTrack(); // @ createLocalAudioTrack
}
export async function mute(room) {
  room.localParticipant.audioTracks.forEach(publication => publication.track.disable()); // @ Room.localParticipant, LocalParticipant.audioTracks, LocalAudioTrackPublication.track, LocalAudioTrack.disable
  (await load()).stop(); // @ LocalAudioTrack.stop
}
