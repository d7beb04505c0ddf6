interface Call { state: string; mute(): void; hangUp(): void }
export class CallAgent {
  calls: Call[] = [];
  on(name: 'incomingCall', f: (call: Call) => void): void {}
}
const callAgent = new CallAgent();
callAgent.on('incomingCall', call => { call.mute(); call.hangUp(); });
