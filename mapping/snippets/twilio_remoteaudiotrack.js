async function main(alice, bob) {
  const sender = await Twilio.Video.connect(alice, { name: 'daily', audio: true, video: false });
  const nothing = { name: 'daily', audio: false, video: false };
  const receiver = await Twilio.Video.connect(bob, nothing);

  const track = await new Promise((resolve) => receiver.once('trackSubscribed', resolve));
  document.body.append(track.attach());
  const disabled = new Promise((resolve) => track.once('disabled', resolve));
  sender.localParticipant.audioTracks.forEach((publication) => publication.track.disable());
  await disabled;
  console.log(`${track.kind} enabled: ${track.isEnabled}`);
  track.detach().forEach((attached) => attached.remove());
  receiver.disconnect();
  sender.disconnect();
}
