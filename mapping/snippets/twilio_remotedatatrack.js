async function main(alice, bob) {
  const chat = new Twilio.Video.LocalDataTrack({ maxPacketLifeTime: 500 });
  const sender = await Twilio.Video.connect(alice, { name: 'daily', tracks: [chat] });
  const nothing = { name: 'daily', audio: false, video: false };
  const receiver = await Twilio.Video.connect(bob, nothing);

  const track = await new Promise((resolve) => receiver.once('trackSubscribed', resolve));
  const heard = new Promise((resolve) => {
    receiver.on('trackMessage', (data, from, participant) => resolve([data, participant.identity]));
  });
  chat.send(new Uint8Array([1, 2, 3]));
  const [data, identity] = await heard;
  console.log(`${identity}: ${data.byteLength} bytes, reliable: ${track.reliable}`);
  receiver.disconnect();
  sender.disconnect();
}
