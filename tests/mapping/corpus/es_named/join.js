import { connect as join, createLocalVideoTrack, LocalDataTrack } from 'twilio-video'; // @ import

const EVENTS = ['participantReconnecting', 'participantReconnected']; // @ Room#participantReconnecting, Room#participantReconnected

export async function enter(token, onChange) {
  const camera = await createLocalVideoTrack({ name: 'camera' }); // @ createLocalVideoTrack, CreateLocalTrackOptions.name
  const data = new LocalDataTrack({ ordered: false }); // @ LocalDataTrack, LocalDataTrackOptions.ordered
  const room = await join(token, { // @ connect
    tracks: [camera, data], // @ ConnectOptions.tracks
    bandwidthProfile: { // @ ConnectOptions.bandwidthProfile
      video: { // @ BandwidthProfileOptions.video
        mode: 'presentation', // @ VideoBandwidthProfileOptions.mode
        maxTracks: 4, // @ VideoBandwidthProfileOptions.maxTracks
        renderDimensions: { high: { width: 1280 } }, // @ VideoBandwidthProfileOptions.renderDimensions, VideoRenderDimensions.high, VideoTrack.Dimensions.width
      },
    },
    preferredVideoCodecs: [{ codec: 'VP8', simulcast: true }], // @ ConnectOptions.preferredVideoCodecs, VideoCodecSettings.codec, VP8CodecSettings.simulcast
  });
  EVENTS.forEach(name => room.on(name, onChange));
  for (const name of ['reconnecting', 'reconnected']) { // @ Room#reconnecting, Room#reconnected
    room.on(name, onChange);
  }
  data.send('hello'); // @ LocalDataTrack.send
  return room;
}
