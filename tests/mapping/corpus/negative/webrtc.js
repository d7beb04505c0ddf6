const call = peer.call(id, stream);
call.on('stream', remote => { video.srcObject = remote; });
call.on('stateChanged', () => call.hangUp());
peer.on('connected', () => {});
