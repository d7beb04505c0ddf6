// Tests network and service before a call, and says whether one may go in.
const Video = require('twilio-video');

function main(token) {
  const test = Video.runPreflight(token, { duration: 10000 });
  const log = (text) => console.log(text);

  test.on('progress', (progress) => log(`progress: ${progress}`));

  test.on('completed', (report) => {
    const { packetLoss } = report.stats;
    log(packetLoss.average < 5 ? 'packets arrive' : 'packets are lost');
    log('ready to call');
  });

  test.on('failed', (error) => {
    log(`failed: ${error.code}`);
    log('not ready to call');
  });
}
