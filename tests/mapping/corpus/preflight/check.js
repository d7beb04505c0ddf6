import { runPreflight, Logger } from 'twilio-video'; // @ import
Logger.getLogger('twilio-video').setLevel('debug'); // @ Log.RootLogger.getLogger, Log.Logger.setLevel
export function check(token) {
  const test = runPreflight(token, { duration: 5 }); // @ runPreflight, PreflightOptions.duration
  test.on('progress', step => console.log(step)); // @ PreflightTest#progress
  test.on('failed', error => console.error(error)); // @ PreflightTest#failed
  test.on('completed', report => console.log(report.networkTiming.ice.duration)); // @ PreflightTest#completed, PreflightTestReport.networkTiming, NetworkTiming.ice, TimeMeasurement.duration
}
