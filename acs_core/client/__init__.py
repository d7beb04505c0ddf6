"""The calling SDK: call client, agents, calls and their features."""
