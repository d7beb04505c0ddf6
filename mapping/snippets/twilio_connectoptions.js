async function main(alice, bob) {
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(bob, { ...nothing, dominantSpeaker: true });
  const speaks = new Promise((resolve) => room.once('dominantSpeakerChanged', resolve));
  const other = await Twilio.Video.connect(alice, {
    name: 'daily',
    audio: true, // the fake microphone of a test browser beeps
    video: false,
    maxAudioBitrate: 16000,
  });
  const speaker = await speaks;
  console.log(speaker.identity, speaker === room.dominantSpeaker);
  other.disconnect();
  room.disconnect();
}
