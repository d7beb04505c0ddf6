async function main(alice) {
  const room = await Twilio.Video.connect(alice, {
    name: 'daily',
    audio: false,
    video: false,
    bandwidthProfile: {
      video: { mode: 'grid', maxSubscriptionBitrate: 2500000, dominantSpeakerPriority: 'high' },
    },
  });
  console.log(room.state);
  room.disconnect();
}
