async function main(alice) {
  console.log(Twilio.Video.isSupported);
  const tracks = await Twilio.Video.createLocalTracks({ audio: true, video: { width: 640 } });
  console.log(tracks.map((track) => track.kind).sort().join(' and '));
  const room = await Twilio.Video.connect(alice, { name: 'daily', tracks });
  console.log(room.localParticipant.tracks.size);
  tracks.forEach((track) => track.stop());
  room.disconnect();
}
