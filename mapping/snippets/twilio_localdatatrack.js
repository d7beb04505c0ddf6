async function main(alice, bob) {
  const chat = new Twilio.Video.LocalDataTrack({ name: 'chat' });
  const sender = await Twilio.Video.connect(alice, { name: 'daily', tracks: [chat] });
  const nothing = { name: 'daily', audio: false, video: false };
  const receiver = await Twilio.Video.connect(bob, nothing);

  const track = await new Promise((resolve) => receiver.once('trackSubscribed', resolve));
  const heard = new Promise((resolve) => track.once('message', resolve));
  chat.send('hello');
  console.log(`${track.name}: ${await heard}`);
  receiver.disconnect();
  sender.disconnect();
}
