async function main(alice, bob) {
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(alice, nothing);
  const listener = (participant) => console.log(`on ${participant.identity}`);
  room.on('participantConnected', listener).once('participantConnected', () => console.log('once'));
  console.log(room.listenerCount('participantConnected'));
  const came = new Promise((resolve) => room.once('participantConnected', resolve));
  const other = await Twilio.Video.connect(bob, nothing);
  await came;
  room.off('participantConnected', listener);
  console.log(room.listenerCount('participantConnected'));
  other.disconnect();
  room.disconnect();
}
