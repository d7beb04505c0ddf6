import { connect, Room } from 'twilio-video'; // @ import
enum RoomEvent {
  Joined = 'participantConnected', // @ Room#participantConnected
  Left = 'participantDisconnected', // @ Room#participantDisconnected
}
const TRACK_EVENTS = { subscribed: 'trackSubscribed', failed: 'trackSubscriptionFailed' } as const; // @ Room#trackSubscribed, Room#trackSubscriptionFailed
export class Session {
  private room!: Room;
  async start(token: string): Promise<void> {
    this.room = await connect(token, { dominantSpeaker: true } as const); // @ connect, ConnectOptions.dominantSpeaker
    this.room.on(RoomEvent.Joined, this.refresh);
    this.room.on(RoomEvent.Left, this.refresh);
    this.room.on(TRACK_EVENTS.subscribed, this.refresh);
    this.room.on(TRACK_EVENTS.failed, this.refresh);
  }
  private refresh = (): void => console.log(this.room.participants.size); // @ Room.participants
  stop(): void { this.room.removeAllListeners(); this.room.disconnect(); } // @ EventEmitter.removeAllListeners, Room.disconnect
}
