async function main(alice, bob) {
  const camera = await Twilio.Video.createLocalVideoTrack({ name: 'camera' });
  const first = await Twilio.Video.connect(alice, { name: 'daily', tracks: [camera] });
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(bob, nothing);

  // Who was there before is state, and no event.
  const [participant] = room.participants.values();
  console.log(`${participant.identity} is ${participant.state}`);
  participant.on('trackUnpublished', (gone) => console.log(`${gone.trackName} is gone`));
  const unpublished = new Promise((resolve) => participant.once('trackUnpublished', resolve));
  first.localParticipant.unpublishTrack(camera);
  await unpublished;
  console.log(participant.tracks.size);
  camera.stop();
  room.disconnect();
  first.disconnect();
}
