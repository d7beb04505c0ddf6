async function main(alice) {
  const microphone = await Twilio.Video.createLocalAudioTrack();
  microphone.on('disabled', (track) => console.log(`${track.kind} disabled`));
  microphone.on('enabled', (track) => console.log(`${track.kind} enabled`));
  microphone.on('stopped', (track) => console.log(`${track.kind} stopped`));

  const options = { name: 'daily', tracks: [microphone] };
  const room = await Twilio.Video.connect(alice, options);
  microphone.disable();
  microphone.disable(); // it is already
  console.log(microphone.isEnabled);
  microphone.enable();
  microphone.stop();
  room.disconnect();
}
