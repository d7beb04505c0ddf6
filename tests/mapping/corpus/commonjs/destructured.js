const { connect, createLocalTracks: makeTracks } = require('twilio-video'); // @ import
async function main(token) {
  const tracks = await makeTracks({ audio: true, video: { width: 1280 } }); // @ createLocalTracks, CreateLocalTracksOptions.audio, CreateLocalTracksOptions.video
  const room = await connect(token, { tracks, networkQuality: { local: 1, remote: 2 } }); // @ connect, ConnectOptions.tracks, ConnectOptions.networkQuality, NetworkQualityConfiguration.local, NetworkQualityConfiguration.remote
  const { localParticipant, participants } = room; // @ Room.localParticipant, Room.participants
  localParticipant.setNetworkQualityConfiguration({ local: 2 }); // @ LocalParticipant.setNetworkQualityConfiguration, NetworkQualityConfiguration.local
  localParticipant.on('networkQualityLevelChanged', (level, stats) => draw(level)); // @ Participant#networkQualityLevelChanged
  participants.forEach(participant => participant.videoTracks.forEach(publication => publication.track && publication.track.setPriority('high'))); // @ Room.participants?, RemoteParticipant.videoTracks, RemoteVideoTrackPublication.track, RemoteVideoTrack.setPriority
}
main(process.env.TOKEN);
