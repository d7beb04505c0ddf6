const mongoose = require('mongoose');
mongoose.connection.on('connected', () => console.log('up'));
mongoose.connection.on('disconnected', () => console.log('down'));
module.exports = mongoose.connect(process.env.DB, { name: 'x', audio: true });
