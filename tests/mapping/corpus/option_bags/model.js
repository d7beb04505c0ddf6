import Video from 'twilio-video'; // @ import

const base = { networkQuality: true, audio: { noiseSuppression: true } }; // @ ConnectOptions.networkQuality, ConnectOptions.audio
export class CallModel {
  state = { room: null };
  connectOptions = { dominantSpeaker: true }; // @ ConnectOptions.dominantSpeaker
  async open(token, extra) {
    this.connectOptions.region = 'ie1'; // @ ConnectOptions.region
    const options = Object.assign({ maxVideoBitrate: 500000 }, base, extra); // @ ConnectOptions.maxVideoBitrate
    const first = await Video.connect(token, options); // @ connect
    const second = await Video.connect(token, { ...this.connectOptions, room: 'lobby' }); // @ connect, ConnectOptions.room
    this.setState({ room: second, other: first });
  }
  close() { this.state.other.disconnect(); } // @ Room.disconnect
}
