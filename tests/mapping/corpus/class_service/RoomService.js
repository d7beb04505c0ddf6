const { connect } = require('twilio-video'); // @ import
class RoomService {
  constructor() { this.room = null; this.handlers = {}; }
  async join(token) {
    this.room = await connect(token, { maxAudioBitrate: 16000 }); // @ connect, ConnectOptions.maxAudioBitrate
    this._listen();
  }
  _listen() {
    const { room } = this;
    room.on('participantConnected', this._joined.bind(this)); // @ Room#participantConnected
    room.on('disconnected', (room, error) => { if (error && error.code === 53205) this.join(); }); // @ Room#disconnected, TwilioError.code
  }
  _joined(participant) {
    participant.on('trackPublished', publication => publication.on('subscribed', t => t.attach())); // @ RemoteParticipant#trackPublished, RemoteTrackPublication#subscribed, MediaTrack.attach
    participant.on('reconnecting', () => {}); // @ Participant#reconnecting
  }
  get count() { return this.room.participants.size + 1; } // @ Room.participants
}
module.exports = RoomService;
