import { CommunicationIdentityClient } from '@azure/communication-identity'; // @ import
import { RoomsClient } from '@azure/communication-rooms'; // @ import
import express from 'express';
const identity = new CommunicationIdentityClient(process.env.ACS!); // @ CommunicationIdentityClient
const rooms = new RoomsClient(process.env.ACS!); // @ RoomsClient
express().get('/token', async (_, res) => {
  const { user, token } = await identity.createUserAndToken(['voip']); // @ CommunicationIdentityClient.createUserAndToken, CommunicationUserToken.user, CommunicationAccessToken.token
  const room = await rooms.createRoom({ participants: [] }); // @ RoomsClient.createRoom
  res.json({ user, token, room });
});
