import React, { Component } from 'react';
import Video from 'twilio-video'; // @ import

class RoomView extends Component {
  constructor(props) {
    super(props);
    this.state = { remoteParticipants: [] };
    this.addParticipant = this.addParticipant.bind(this);
  }
  async componentDidMount() {
    this.room = await Video.connect(this.props.token, { name: this.props.name }); // @ connect, ConnectOptions.name
    this.room.on('participantConnected', this.addParticipant); // @ Room#participantConnected
    this.room.on('participantDisconnected', participant => this.removeParticipant(participant)); // @ Room#participantDisconnected
    this.setState({ remoteParticipants: Array.from(this.room.participants.values()) }); // @ Room.participants
    window.addEventListener('beforeunload', this.leave);
  }
  componentWillUnmount() { this.leave(); }
  addParticipant(participant) {
    console.log(`${participant.identity} joined`); // @ Participant.identity
    this.setState({ remoteParticipants: [...this.state.remoteParticipants, participant] });
  }
  removeParticipant(participant) {
    this.setState({ remoteParticipants: this.state.remoteParticipants.filter(p => p.identity !== participant.identity) }); // @ Participant.identity
  }
  leave = () => { this.room.disconnect(); this.props.onLeave(); }; // @ Room.disconnect
  render() {
    return <div>{this.state.remoteParticipants.map(p => <Participant key={p.sid} participant={p} />)}</div>; // @ Participant.sid
  }
}
export default RoomView;

class Participant extends Component {
  constructor(props) {
    super(props);
    const existing = Array.from(this.props.participant.tracks.values()); // @ RemoteParticipant.tracks
    this.state = { tracks: existing.map(publication => publication.track).filter(track => track !== null) }; // @ RemoteTrackPublication.track
  }
  componentDidMount() {
    this.props.participant.on('trackSubscribed', track => this.setState({ tracks: [...this.state.tracks, track] })); // @ RemoteParticipant#trackSubscribed
  }
  render() { return null; }
}
