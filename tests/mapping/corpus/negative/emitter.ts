import { EventEmitter } from 'events';
export class Room extends EventEmitter {
  participants = new Map<string, { identity: string }>();
  disconnect(): void { this.emit('disconnected'); }
}
const room = new Room();
room.on('disconnected', () => room.participants.clear());
room.on('reconnecting', () => room.disconnect());
