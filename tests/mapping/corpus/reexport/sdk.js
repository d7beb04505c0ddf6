export { connect, LocalDataTrack } from 'twilio-video'; // @ import
