async function main(alice) {
  const camera = await Twilio.Video.createLocalVideoTrack();
  camera.on('disabled', (track) => console.log(`${track.kind} disabled`));
  camera.on('enabled', (track) => console.log(`${track.kind} enabled`));
  camera.on('stopped', (track) => console.log(`${track.kind} stopped`));

  const options = { name: 'daily', tracks: [camera] };
  const room = await Twilio.Video.connect(alice, options);
  camera.disable();
  camera.disable(); // it is already
  console.log(camera.isEnabled);
  camera.enable();
  camera.stop();
  room.disconnect();
}
