import Video from 'twilio-video'; // @ import
const { connect, isSupported } = Video; // @ import
if (!isSupported) throw new Error('no');
const promise = connect(process.argv[2], { automaticSubscription: false }); // @ connect, ConnectOptions.automaticSubscription
setTimeout(() => promise.cancel(), 1000);
promise.then(room => room.disconnect()).catch(console.error); // @ Room.disconnect
