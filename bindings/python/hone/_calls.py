"""Calls of the library that end when the user wants that.

Python handles signals in its main thread, between two of its own instructions, so that a call of C there keeps Ctrl-C
waiting for its end. Calls that may take longer than a moment therefore run in a thread of their own, for which the main
thread waits in a way that a signal ends. The flag that it sets then is read by the library after each few hundred tokens;
a large model may need longer for those than a person wants to wait, so the main thread does not wait for that. What the
call still uses is kept until it has ended.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _library as c

# Parameters of the model times bytes of text: more than a few hundredths of a second on one slow processor.
LONG = 1_000_000_000
# Seconds for a call that was stopped to end by itself.
GRACE = 0.05


class Stop:
    """The flag that ends a call."""

    def __init__(self) -> None:
        self._flag = np.zeros(1, np.uint8)

    @property
    def address(self) -> int:
        return int(self._flag.ctypes.data)

    def set(self) -> None:
        self._flag[0] = 1

    def is_set(self) -> bool:
        return bool(self._flag[0])


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def interruptible(call: Callable[[], int], stop: Stop) -> int:
    """What the call returns. An exception that a signal handler raises, such as KeyboardInterrupt, stops it."""
    ended = threading.Lock()
    ended.acquire()
    results: list[int] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as e:  # told to who waits
            failures.append(e)
        finally:
            ended.release()

    threading.Thread(target=work, name="hone", daemon=True).start()
    try:
        ended.acquire()
    except BaseException:
        stop.set()
        ended.acquire(timeout=GRACE)
        raise
    if failures:
        raise failures[0]
    return results[0]


def progress(on_progress: Callable[[int], Any] | None, stop: Stop, raised: list[BaseException]) -> tuple[Any, Any]:
    """on_progress and progress_arg of struct hone_run_options, and what must be kept. A function of the caller ends the
    call by returning False, or by an exception, which goes into `raised`."""
    if on_progress is None:
        return c.GO_ON, None

    def told(_: Any, n_done: int) -> bool:
        try:
            return on_progress(n_done) is not False and not stop.is_set()
        except BaseException as e:  # must not go through C
            raised.append(e)
            return False

    function = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_size_t)(told)
    return ctypes.cast(function, ctypes.c_void_p), function
