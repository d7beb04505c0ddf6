async function main(alice, bob) {
  const sender = await Twilio.Video.connect(alice, { name: 'daily', audio: false, video: true });
  const nothing = { name: 'daily', audio: false, video: false };
  const receiver = await Twilio.Video.connect(bob, nothing);

  const track = await new Promise((resolve) => receiver.once('trackSubscribed', resolve));
  const started = new Promise((resolve) => track.once('started', resolve));
  const element = track.attach();
  document.body.append(element);
  await started;
  console.log(`${track.kind} plays: ${track.dimensions.width > 0}`);
  track.detach().forEach((attached) => attached.remove());
  receiver.disconnect();
  sender.disconnect();
}
