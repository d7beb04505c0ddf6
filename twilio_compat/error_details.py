"""What Twilio's error codes mean, as data: one row per code.

Codes and messages are those of twilio-video.js 2.36; explanation, causes and solutions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["DETAILS", "ErrorDetails"]


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What is known of a code.

    Attributes:
        code: Twilio's error code; 0 for none.
        message: Twilio's text for it.
        explanation: What happened, in one sentence.
        solutions: What to do about it.
        causes: What usually leads to it.
    """

    code: int
    message: str
    explanation: str = ""
    solutions: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


_ROWS: Final = (
    ErrorDetails(
        20101,
        "Invalid Access Token",
        "The text that was passed is not an access token.",
        ("Pass the token's text as the token endpoint made it.",),
        ("The token was cut, quoted or wrapped in JSON.",),
    ),
    ErrorDetails(
        20102,
        "Invalid Access Token header",
        "The token's header does not say HS256 and twilio-fpa;v=1.",
        ("Make it with a Twilio helper library or `twilio_compat.tokens`.",),
        ("The token was made by hand or for another service.",),
    ),
    ErrorDetails(
        20103,
        "Invalid Access Token issuer/subject",
        "The token names an API key or an account that the service does not know.",
        ("Compare the API key SID and account SID with the service's settings.",),
        ("The token was made with the key of another account or service.",),
    ),
    ErrorDetails(
        20104,
        "Access Token expired or expiration date invalid",
        "The token's time has passed, or it claims more than 24 hours.",
        ("Make a new token right before connecting.", "Give a ttl of at most 86400 seconds."),
        ("The token was kept too long.", "A clock is wrong."),
    ),
    ErrorDetails(
        20105,
        "Access Token not yet valid",
        "The token's time has not begun.",
        ("Compare the clocks of the token's maker and of the service.",),
        ("A clock is wrong.",),
    ),
    ErrorDetails(
        20106,
        "Invalid Access Token grants",
        "The token does not allow this: no identity, no video grant, or another room.",
        ("Add a video grant for this room, or one without room.",),
        ("The grant names another room.",),
    ),
    ErrorDetails(
        20107,
        "Invalid Access Token signature",
        "The token was not signed with the secret of the API key that it names.",
        ("Compare the API key secret with the service's settings.",),
        ("The secret is wrong or was changed.",),
    ),
    ErrorDetails(
        53000,
        "Signaling connection error",
        "The signaling connection could not be made, or failed in a way no other code covers.",
        ("Check the service's URL, and that WebSockets pass.",),
        ("The service is not reachable or not started.",),
    ),
    ErrorDetails(
        53001,
        "Signaling connection disconnected",
        "The signaling connection was lost.",
        ("Wait: the SDK reconnects by itself within the session window.",),
        ("The network was lost.",),
    ),
    ErrorDetails(
        53002,
        "Signaling connection timed out",
        "The signaling connection did not answer in time.",
        ("Try again; check the path to the service.",),
        ("The network loses packets.", "The service is overloaded."),
    ),
    ErrorDetails(
        53003,
        "Client received an invalid signaling message",
        "The client received a message that it cannot read.",
        ("Update both to the same version.",),
        ("Client and service are of different versions.",),
    ),
    ErrorDetails(
        53004,
        "Client sent an invalid signaling message",
        "The service received a message that it cannot read.",
        ("Update both to the same version.",),
        ("Client and service are of different versions.",),
    ),
    ErrorDetails(
        53006,
        "Video server is busy",
        "The service refuses work for now.",
        ("Try again later.",),
        ("Too many requests.", "The service is stopping."),
    ),
    ErrorDetails(
        53100,
        "Room name is invalid",
        "The room name is not usable.",
        ("Give text, or a room SID.",),
        ("The name is empty, or no text.",),
    ),
    ErrorDetails(
        53101,
        "Room name is too long",
        "The room name has more than 128 characters.",
        ("Shorten the name.",),
        ("The name was made of something long, such as a URL.",),
    ),
    ErrorDetails(
        53102,
        "Room name contains invalid characters",
        "The room name contains characters that are not allowed.",
        ("Leave out control characters.",),
        ("The name holds a control character, often a line break at its end.",),
    ),
    ErrorDetails(
        53103,
        "Unable to create Room",
        "The service could not create the room.",
        ("See the cause of this error.",),
        ("The store failed, or a parameter was refused.",),
    ),
    ErrorDetails(
        53104,
        "Unable to connect to Room",
        "The service could not let the participant into the room.",
        ("See the cause of this error.",),
        ("The room is open to invited participants only.",),
    ),
    ErrorDetails(
        53105,
        "Room contains too many Participants",
        "The room is full.",
        ("Raise MaxParticipants, or the limit of the service.",),
        ("More people came than the room was made for.",),
    ),
    ErrorDetails(
        53106,
        "Room not found",
        "There is no such room, and this token may not create one.",
        ("Create the room first, or correct its name.",),
        ("The room was completed.",),
    ),
    ErrorDetails(
        53107,
        "MaxParticipants is out of range",
        "MaxParticipants is not within what the room type allows.",
        ("Give a number within the limit.",),
        ("The number is zero, negative, or above the service's limit.",),
    ),
    ErrorDetails(
        53108,
        "RoomType is not valid",
        "There is no such room type.",
        ("Use group.",),
        ("The type was misspelled.",),
    ),
    ErrorDetails(
        53109,
        "Timeout is out of range",
        "A room time-out is not within its range.",
        ("Give a number within the limit.",),
        ("The time-out is negative, or longer than the service allows.",),
    ),
    ErrorDetails(
        53110,
        "StatusCallbackMethod is invalid",
        "The method of status callbacks is neither GET nor POST.",
        ("Use POST.",),
        ("The method was misspelled.",),
    ),
    ErrorDetails(
        53111,
        "StatusCallback is invalid",
        "The URL of status callbacks is not usable.",
        ("Give an absolute http or https URL.",),
        ("The URL has no host, or another scheme.",),
    ),
    ErrorDetails(
        53112,
        "Status is invalid",
        "A room cannot be set to this status.",
        ("The only status that can be set is completed.",),
        ("The status is in-progress or misspelled.",),
    ),
    ErrorDetails(
        53113,
        "Room exists",
        "A room of this name is in progress.",
        ("Use that room, or complete it first.",),
        ("Two processes created the room at once.",),
    ),
    ErrorDetails(
        53114,
        "Room creation parameter(s) incompatible with the Room type",
        "The parameters do not fit the room type.",
        ("Leave out what this type does not have.",),
        ("A parameter of another room type was given.",),
    ),
    ErrorDetails(
        53115,
        "MediaRegion is invalid",
        "There is no such media region.",
        ("Leave MediaRegion out.",),
        ("The region was misspelled.",),
    ),
    ErrorDetails(
        53116,
        "There are no media servers available in the MediaRegion",
        "No media server is available in the media region.",
        ("Leave MediaRegion out.",),
        ("This service is in one place and has no regions.",),
    ),
    ErrorDetails(
        53117,
        "The subscription operation requested is not supported for the Room type",
        "This room type does not have subscription rules.",
        ("Use a group room.",),
        ("The room is peer-to-peer.",),
    ),
    ErrorDetails(
        53118,
        "Room completed",
        "The room was ended for everyone.",
        ("Connect again if the session is to go on; that makes another one of the same name.",),
        ("Somebody completed the room.", "Its time was over."),
    ),
    ErrorDetails(
        53119,
        "Room account limit exceeded",
        "The service has as many rooms in progress as it allows.",
        ("Complete rooms that are not needed.", "Raise the service's limit."),
        ("Rooms are made faster than they end; an empty one lives on for minutes.",),
    ),
    ErrorDetails(
        53124,
        "The AudioOnly flag is not supported for the Room type",
        "This room type cannot be audio-only.",
        ("Use a group room.",),
        ("The room is peer-to-peer.",),
    ),
    ErrorDetails(
        53125,
        "The track kind is not supported by the Room",
        "The room does not carry this kind of track.",
        ("Publish audio, or use another room.",),
        ("The room is audio-only.",),
    ),
    ErrorDetails(
        53200,
        "Participant identity is invalid",
        "The identity in the token is not usable.",
        ("Use text that is not empty.",),
        ("The token was made without an identity.",),
    ),
    ErrorDetails(
        53201,
        "Participant identity is too long",
        "The identity in the token has more than 128 characters.",
        ("Shorten the identity.",),
        ("The identity was made of something long, such as a name and a URL.",),
    ),
    ErrorDetails(
        53202,
        "Participant identity contains invalid characters",
        "The identity in the token contains characters that are not allowed.",
        ("Leave out control characters.",),
        ("The identity holds a control character, often a line break at its end.",),
    ),
    ErrorDetails(
        53203,
        "The maximum number of published tracks allowed"
        " in the Room at the same time has been reached",
        "The participant publishes as many tracks as are allowed.",
        ("Unpublish a track first.",),
        ("Tracks are published again and again without being unpublished.",),
    ),
    ErrorDetails(
        53204,
        "Participant not found",
        "There is no such participant in the room.",
        ("List the participants again.",),
        ("The participant has left.",),
    ),
    ErrorDetails(
        53205,
        "Participant disconnected because of duplicate identity",
        "The same identity connected again; the newer connection stays.",
        ("Give every participant an identity of its own.",),
        ("The page was opened twice.", "Two participants share one identity."),
    ),
    ErrorDetails(
        53216,
        "Participant session length exceeded",
        "The participant was in the room for as long as the room allows.",
        ("Connect again.", "Create the room with a longer MaxParticipantDuration."),
        ("The room limits how long each participant stays.",),
    ),
    ErrorDetails(
        53300,
        "Track is invalid",
        "The track cannot be published.",
        ("Pass a local track that is not stopped.",),
        ("Its source has ended, or its device could not be opened.",),
    ),
    ErrorDetails(
        53301,
        "Track name is invalid",
        "The track name is not usable.",
        ("Use text that is not empty.",),
        ("The name is empty, or no text.",),
    ),
    ErrorDetails(
        53302,
        "Track name is too long",
        "The track name has more than 128 characters.",
        ("Shorten the name.",),
        ("The name was made of something long, such as a device's label.",),
    ),
    ErrorDetails(
        53303,
        "Track name contains invalid characters",
        "The track name contains characters that are not allowed.",
        ("Leave out control characters.",),
        ("The name holds a control character, often a line break at its end.",),
    ),
    ErrorDetails(
        53304,
        "Track name is duplicated",
        "The participant publishes another track of this name.",
        ("Give every track a name of its own.",),
        ("Two tracks were made with one name.",),
    ),
    ErrorDetails(
        53305,
        "The server has reached capacity and cannot fulfill this request",
        "The service has no room for another track.",
        ("Try again later, or publish less.",),
        ("The service is at the limit of what it forwards.",),
    ),
    ErrorDetails(
        53400,
        "Client is unable to create or apply a local media description",
        "The client could not describe its own media.",
        ("See the cause of this error.",),
        ("An encoder, device or file failed.",),
    ),
    ErrorDetails(
        53401,
        "Server is unable to create or apply a local media description",
        "The service could not describe its own media.",
        ("See the service's log.",),
        ("The service is of another version, or has a fault.",),
    ),
    ErrorDetails(
        53402,
        "Client is unable to apply a remote media description",
        "The client could not take over the service's description of media.",
        ("Update client and service to the same version.",),
        ("Client and service are of different versions.",),
    ),
    ErrorDetails(
        53403,
        "Server is unable to apply a remote media description",
        "The service could not take over the client's description of media.",
        ("Update client and service to the same version.",),
        ("Client and service are of different versions.",),
    ),
    ErrorDetails(
        53404,
        "No supported codec",
        "Client and service share no codec.",
        ("Allow opus, and VP8 or H264.",),
        ("One side was limited to a codec that the other has not.",),
    ),
    ErrorDetails(
        53405,
        "Media connection failed or Media activity ceased",
        "Media could not be connected, or stopped arriving.",
        ("Open the media port, or configure a TURN server.",),
        ("UDP to the media port is blocked.", "The network was lost."),
    ),
    ErrorDetails(
        53407,
        "Media connection failed due to DTLS handshake failure",
        "The encrypted media connection could not be made.",
        ("Connect again; check what stands between.",),
        ("Something between changes packets.", "Certificates do not fit the description."),
    ),
    ErrorDetails(
        53500,
        "Unable to acquire configuration",
        "The client could not get its configuration.",
        ("Check the service's URL.",),
        ("The service is not reachable.",),
    ),
    ErrorDetails(
        53501,
        "Unable to acquire TURN credentials",
        "The client could not get TURN credentials.",
        ("Check the service's TURN settings.",),
        ("The TURN server's secret or URL is wrong.",),
    ),
)

DETAILS: Final[Mapping[int, ErrorDetails]] = MappingProxyType({row.code: row for row in _ROWS})
"""Every row by its code."""
