async function main(alice) {
  const room = await Twilio.Video.connect(alice, { name: 'daily', audio: false, video: false });
  const me = room.localParticipant;
  const told = new Promise((resolve) => me.once('trackPublished', resolve));

  const camera = await Twilio.Video.createLocalVideoTrack({ name: 'camera' });
  const publication = await me.publishTrack(camera);
  console.log(me.videoTracks.has(publication.trackSid), (await told).trackName);

  me.unpublishTrack(camera);
  console.log(me.videoTracks.size);
  camera.stop();
  room.disconnect();
}
