async function main(alice) {
  const room = await Twilio.Video.connect(alice, { name: 'daily', audio: false, video: true });
  const [publication] = room.localParticipant.videoTracks.values();
  console.log(publication.kind, publication.priority);
  publication.setPriority('high');
  console.log(publication.priority);
  publication.track.stop();
  publication.unpublish();
  console.log(room.localParticipant.tracks.size);
  room.disconnect();
}
