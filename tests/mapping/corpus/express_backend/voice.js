const { twiml } = require('twilio'); // @ import
exports.handler = function (context, event, callback) {
  const response = new twiml.VoiceResponse(); // @ twiml.VoiceResponse, VoiceResponse
  response.connect().room({ participantIdentity: event.From }, 'lobby'); // @ VoiceResponse.connect, Connect.room
  callback(null, response);
};
