async function main(alice, bob) {
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(alice, nothing);
  const came = new Promise((resolve) => room.once('participantConnected', resolve));
  const left = new Promise((resolve) => room.once('participantDisconnected', resolve));
  room.on('participantConnected', (participant) => console.log(`${participant.identity} came`));
  room.on('participantDisconnected', (participant) => console.log(`${participant.identity} left`));
  room.on('disconnected', (gone) => console.log(`${gone.name} is ${gone.state}`));

  const other = await Twilio.Video.connect(bob, nothing);
  await came;
  other.disconnect();
  await left;
  room.disconnect();
}
