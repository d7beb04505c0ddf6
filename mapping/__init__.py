"""What corresponds to what between Twilio Video, ACS Calling and VideoSDK, as data."""
