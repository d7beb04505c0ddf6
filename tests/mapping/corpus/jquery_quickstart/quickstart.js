'use strict';
var Video = require('twilio-video'); // @ import
var activeRoom;
var previewTracks;

function attachTracks(tracks, container) {
  tracks.forEach(function (track) {
    container.appendChild(track.attach()); // @ MediaTrack.attach
  });
}
function detachTracks(tracks) {
  tracks.forEach(function (track) {
    track.detach().forEach(function (element) { element.remove(); }); // @ MediaTrack.detach
  });
}
$.getJSON('/token', function (data) {
  var options = { name: $('#room').val(), logLevel: 'debug' }; // @ ConnectOptions.name, ConnectOptions.logLevel
  if (previewTracks) {
    options.tracks = previewTracks; // @ ConnectOptions.tracks
  }
  Video.connect(data.token, options).then(roomJoined, function (error) { log(error.message); }); // @ connect
});
function roomJoined(room) {
  window.room = activeRoom = room;
  room.on('trackAdded', function (track, participant) { // @ Room#trackAdded
    log(participant.identity + ' added track: ' + track.kind); // @ Participant.identity
  });
  room.on('participantDisconnected', function (participant) { // @ Room#participantDisconnected
    log(participant.identity + ' left'); // @ Participant.identity
  });
  room.on('disconnected', function () { // @ Room#disconnected
    if (previewTracks) { previewTracks.forEach(function (track) { track.stop(); }); } // @ LocalAudioTrack.stop
    detachTracks(previewTracks);
    activeRoom = null;
  });
}
document.getElementById('preview').onclick = function () {
  var promise = previewTracks ? Promise.resolve(previewTracks) : Video.createLocalTracks(); // @ createLocalTracks
  promise.then(function (tracks) {
    window.previewTracks = previewTracks = tracks;
    attachTracks(tracks, document.getElementById('local'));
  });
};
