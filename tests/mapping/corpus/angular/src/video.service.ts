import { Injectable } from '@angular/core';
import { connect, ConnectOptions, LocalTrack, Room } from 'twilio-video'; // @ import
import { ReplaySubject } from 'rxjs';

@Injectable()
export class VideoChatService {
  private roomBroadcast = new ReplaySubject<boolean>();
  constructor(private readonly http: HttpClient) {}
  async joinOrCreateRoom(name: string, tracks: LocalTrack[]): Promise<Room> {
    let room: Room = null;
    try {
      const token = await this.getAuthToken();
      room = await connect(token, { name, tracks, dominantSpeaker: true } as ConnectOptions); // @ connect, ConnectOptions.name, ConnectOptions.tracks, ConnectOptions.dominantSpeaker
    } finally {
      if (room) this.roomBroadcast.next(true);
    }
    return room;
  }
  private getAuthToken(): Promise<string> { return this.http.get('/api/token').toPromise(); }
}
