"""The version of the distribution, and of the native signaling protocol."""

__version__ = "0.1.0"
