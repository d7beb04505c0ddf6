"""The self-hosted calling service: identities, rooms, call control and the SFU."""
