"""Set when the wheel is made."""

__version__ = "0.0.0"
