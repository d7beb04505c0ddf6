async function main(alice) {
  const camera = await Twilio.Video.createLocalVideoTrack({ name: 'camera', width: 640 });
  const room = await Twilio.Video.connect(alice, { name: 'daily', audio: false, video: false });
  const publication = await room.localParticipant.publishTrack(camera, { priority: 'low' });
  console.log(publication.trackName, publication.priority);
  camera.stop();
  room.disconnect();
}
