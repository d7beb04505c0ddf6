from azure.communication.identity import CommunicationIdentityClient, CommunicationTokenScope  # @ import
from azure.communication.rooms import RoomsClient  # @ import

identity = CommunicationIdentityClient.from_connection_string("endpoint")  # @ CommunicationIdentityClient.from_connection_string
user = identity.create_user()  # @ CommunicationIdentityClient.createUser
token = identity.get_token(user, [CommunicationTokenScope.VOIP])  # @ CommunicationIdentityClient.getToken, CommunicationTokenScope.VOIP
rooms = RoomsClient("https://x", "key")  # @ RoomsClient
room = rooms.create_room(pstn_dial_out_enabled=False)  # @ RoomsClient.create_room
