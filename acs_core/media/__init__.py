"""The media side of the calling SDK: frames, sources, sinks, codecs, connections."""
