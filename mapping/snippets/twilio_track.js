async function main() {
  const camera = await Twilio.Video.createLocalVideoTrack({ name: 'camera' });
  const chat = new Twilio.Video.LocalDataTrack({ name: 'chat' });
  console.log([camera, chat].map((track) => `${track.name}: ${track.kind}`).join(', '));
  console.log(camera.isEnabled, camera.isStopped);
  camera.stop();
  console.log(camera.isStopped);
}
