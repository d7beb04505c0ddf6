import React, { Component } from 'react';
export default class Tracks extends Component {
  ref = React.createRef();
  componentDidMount() {
    if (this.props.track) this.ref.current.appendChild(this.props.track.attach()); // @ MediaTrack.attach
  }
  render() { return <div ref={this.ref} className={this.props.track.kind} />; }
}
