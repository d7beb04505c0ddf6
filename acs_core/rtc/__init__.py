"""Pieces of the media protocols that both ends of a connection share."""
