import { Component, ViewChild } from '@angular/core';
import { createLocalAudioTrack, LocalAudioTrack, LocalVideoTrack, Participant, RemoteTrack, RemoteTrackPublication, Room } from 'twilio-video'; // @ import
import { VideoChatService } from './video.service';

@Component({ selector: 'app-home', templateUrl: './home.component.html' })
export class HomeComponent {
  activeRoom: Room;
  constructor(private readonly videoChatService: VideoChatService) {}

  async onRoomChanged(roomName: string) {
    if (this.activeRoom) this.activeRoom.disconnect(); // @ Room.disconnect
    const audioTrack = await createLocalAudioTrack(); // @ createLocalAudioTrack
    this.activeRoom = await this.videoChatService.joinOrCreateRoom(roomName, [audioTrack]);
    this.registerRoomEvents();
  }
  private registerRoomEvents() {
    this.activeRoom
      .on('disconnected', (room: Room) => room.localParticipant.tracks.forEach(publication => this.detach(publication.track))) // @ Room#disconnected, Room.localParticipant, LocalParticipant.tracks, LocalTrackPublication.track
      .on('participantConnected', (participant: Participant) => console.log(participant.identity)) // @ Room#participantConnected, Participant.identity
      .on('dominantSpeakerChanged', (speaker: Participant) => console.log(speaker.sid)); // @ Room#dominantSpeakerChanged, Participant.sid
  }
  private subscribe(publication: RemoteTrackPublication | any) {
    if (publication && publication.on) { // @ RemoteTrackPublication.on?
      publication.on('subscribed', (track: RemoteTrack) => this.attach(track)); // @ RemoteTrackPublication#subscribed
    }
  }
  private attach(track: any) { document.body.append(track.attach()); } // @ MediaTrack.attach
  private detach(track: any) { track.detach().forEach((e: Element) => e.remove()); } // @ MediaTrack.detach
}
