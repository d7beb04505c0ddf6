import { connect } from 'mqtt';
const client = connect('mqtt://localhost', { name: 'x' });
client.on('connected', () => client.subscribe('a'));
client.on('disconnected', () => client.end());
