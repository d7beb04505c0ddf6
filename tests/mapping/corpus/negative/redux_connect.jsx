import React from 'react';
import { connect } from 'react-redux';
const Room = ({ room, participants }) => <ul>{participants.map(p => <li key={p.sid}>{p.identity} in {room.name}</li>)}</ul>;
export default connect(state => ({ room: state.room, participants: state.participants }))(Room);
