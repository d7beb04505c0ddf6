const express = require('express');
const client = require('./sms')('sid', 'token');
client.messages.create({ to: '+1', body: 'video at eight' });
express().post('/sms', (req, res) => res.send(req.body.MessageSid));
