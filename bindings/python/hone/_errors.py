"""What can go wrong: a class for each status of the library, whose sentence is the message."""

from __future__ import annotations

from . import _library as c


class HoneError(RuntimeError):
    """Something failed while it ran: memory, a file that cannot be read, a model that was opened before a fork."""


class UsageError(HoneError, ValueError):
    """An argument that makes no sense, or a task that the model is not for."""


class BadModelError(HoneError, ValueError):
    """A model that is damaged, incomplete, of an unknown kind, or not there."""


class RefusedError(HoneError, ValueError):
    """A text was refused: too long for a model that was opened with strict=True, or for its context."""


class BusyError(HoneError):
    """The queue of the scheduler is full."""


class LateError(HoneError, TimeoutError):
    """A request's time was over before its result was there."""


class CancelledError(HoneError):
    """The call was stopped by on_progress, or since the model was closed."""


_CLASSES: dict[int, type[HoneError]] = {
    c.USAGE: UsageError,
    c.BAD_MODEL: BadModelError,
    c.REFUSED: RefusedError,
    c.BUSY: BusyError,
    c.LATE: LateError,
    c.CANCELLED: CancelledError,
}


def error_of(status: int, message: bytes) -> HoneError:
    """The exception that stands for a status and its sentence."""
    return _CLASSES.get(status, HoneError)(message.decode(errors="replace"))


def check(status: int, err: c.Error) -> None:
    """Raises where a call of the library failed."""
    if status != c.OK:
        raise error_of(status, err.message)
