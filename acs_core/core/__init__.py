"""Pure state of calls: values in, effects out; no I/O, no clock, no asyncio."""
