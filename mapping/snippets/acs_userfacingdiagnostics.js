import { Features } from '@azure/communication-calling';

function watch(call) {
  const { media, network } = call.feature(Features.UserFacingDiagnostics);
  for (const diagnostics of [media, network]) {
    diagnostics.on('diagnosticChanged', ({ diagnostic, value }) => console.log(diagnostic, value));
  }
  console.log(media.getLatest().cameraStartFailed);
}
