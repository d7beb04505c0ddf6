const express = require('express');
const twilio = require('twilio'); // @ import
const app = express();
const client = twilio(process.env.KEY, process.env.SECRET, { accountSid: process.env.SID });

app.post('/rooms', async (req, res) => {
  const room = await client.video.v1.rooms.create({ uniqueName: req.body.name, type: 'group' }); // @ Client.video, video.v1, video.rooms, video.rooms.create
  res.json(room);
});
app.get('/rooms/:sid/participants', async (req, res) => {
  res.json(await client.video.rooms(req.params.sid).participants.list({ status: 'connected' })); // @ Client.video, video.rooms, video.rooms.participants, video.rooms.participants.list
});
app.post('/sms', (req, res) => client.messages.create({ to: req.body.to, body: 'hi' }).then(m => res.json(m))); // @ Client.messages?
app.post('/video-events', (req, res) => {
  if (req.body.StatusCallbackEvent === 'room-ended') close(req.body.RoomSid);
  res.end();
});
app.listen(3000);
