"""Requests that wait for each other in the library's scheduler: texts that are generated, and what asyncio awaits."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import itertools
import os
import queue
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Union

from . import _library as c
from ._errors import CancelledError, HoneError, check, error_of
from ._generation import Generated, Work, size
from ._handle import Handle
from ._texts import text_bytes

# A part of a text, or at its end the status and a sentence.
Item = Union[str, tuple[int, bytes]]

# What the library calls back with is a number, not an address: nothing of Python's can be gone when it does.
_KEYS = itertools.count(1)
_PENDING: dict[int, Pending] = {}
_OPEN: weakref.WeakSet[Scheduler] = weakref.WeakSet()
_HERE = threading.local()  # .inside: this thread is one of a scheduler


class Pending:
    """A request from when it is submitted to its reply, and what must live until then."""

    def __init__(self, request: Any, keep: object, on_reply: Callable[[int, bytes], None]) -> None:
        self.key = next(_KEYS)
        self.id = ctypes.c_uint64()
        self.request, self.keep, self.on_reply = request, keep, on_reply
        self.on_text: Callable[[str], bool] | None = None


def _replied(key: int, reply: Any) -> None:
    _HERE.inside = True
    try:
        pending = _PENDING.pop(key, None)
        if pending:
            pending.on_reply(reply.contents.status, reply.contents.message)
    finally:
        _HERE.inside = False


def _wrote(key: int, token: Any) -> bool:
    _HERE.inside = True
    try:
        pending, text = _PENDING.get(key), token.contents.text
        if not pending or not pending.on_text:
            return False
        if not text.size:
            return True
        return pending.on_text(text_bytes(text).decode(errors="replace"))
    finally:
        _HERE.inside = False


_FUNCTIONS = c.ON_REPLY(_replied), c.ON_TOKEN(_wrote)
_ON_REPLY, _ON_TOKEN = (ctypes.cast(f, ctypes.c_void_p) for f in _FUNCTIONS)


class Scheduler:
    """A scheduler of the library over a model; closed with it."""

    def __init__(self, handle: Handle, options: Mapping[str, Any]) -> None:
        self._handle = handle
        self._pid = os.getpid()
        self._pointer = ctypes.c_void_p()
        self._lock = threading.RLock()  # a stream may be collected, and closed, inside
        err = c.Error()
        struct = c.new(c.SchedulerOptions, window_ms=1, starvation_ms=500)
        for name, value in options.items():
            _set_option(struct, name, value)
        model = handle.begin()
        status = c.lib.hone_scheduler_open(ctypes.byref(self._pointer), model, ctypes.byref(struct), ctypes.byref(err))
        if status != c.OK:
            handle.end()
        check(status, err)
        _OPEN.add(self)

    def submit(self, pending: Pending) -> float | None:
        """Seconds after which there may be room, or None: it was taken."""
        if os.getpid() != self._pid:
            self._handle.begin()  # says what is wrong
        pending.request.on_reply, pending.request.arg = _ON_REPLY, pending.key
        err, retry = c.Error(), ctypes.c_double()
        _PENDING[pending.key] = pending
        with self._lock:
            if not self._pointer:
                status, err.message = c.CANCELLED, b"the model was closed"
            else:
                status = c.lib.hone_submit(
                    self._pointer, ctypes.byref(pending.request), ctypes.byref(pending.id), ctypes.byref(retry),
                    ctypes.byref(err),
                )  # fmt: skip
        if status != c.OK:
            del _PENDING[pending.key]
        if status == c.BUSY:
            return max(0.001, retry.value / 1000)
        check(status, err)
        return None

    def cancel(self, pending: Pending) -> None:
        """Its reply comes soon, unless it was there before."""
        with self._lock:
            if self._pointer and pending.id.value and os.getpid() == self._pid:
                c.lib.hone_cancel(self._pointer, pending.id)

    def close(self) -> None:
        if os.getpid() != self._pid:
            return
        with self._lock:
            pointer, self._pointer = self._pointer, ctypes.c_void_p()
        if not pointer:
            return
        _OPEN.discard(self)
        if getattr(_HERE, "inside", False):  # it would wait for itself
            threading.Thread(target=self._close, args=(pointer,), name="hone-close").start()
        else:
            self._close(pointer)

    def _close(self, pointer: ctypes.c_void_p) -> None:
        c.lib.hone_scheduler_close(ctypes.byref(pointer))
        self._handle.end()


@atexit.register
def _close_all() -> None:
    # Its threads must not call back into an interpreter that is gone.
    for scheduler in list(_OPEN):
        scheduler.close()


def _set_option(struct: Any, name: str, value: Any) -> None:
    kinds = {field[0]: field[1] for field in c.SchedulerOptions._fields_}
    left_out = {"size", "redis", "redis_ms", "lengths", "n_lengths"}
    if name not in kinds or name in left_out:
        raise TypeError(f"{name} is no option of a scheduler, expected one of {', '.join(sorted(set(kinds) - left_out))}")
    if name == "cache_bytes":
        for i, n in enumerate(value):
            struct.cache_bytes[i] = size(n, name)
    elif kinds[name] is ctypes.c_bool:
        setattr(struct, name, bool(value))
    elif kinds[name] is ctypes.c_double:
        setattr(struct, name, float(value))
    else:
        setattr(struct, name, size(value, name))


class _Writing:
    """A text between the scheduler, which writes it, and who reads it, who may be gone: this knows nothing of streams."""

    def __init__(self, work: Work, priority: int, put: Callable[[Item], object]) -> None:
        self.work, self.put = work, put
        self.results: list[Generated] | None = None
        self.closed = False
        request = c.new(c.Request, kind=c.REQUESTS["generate"], priority=priority, how=c.new(c.RunOptions, normalize=-1))
        request.generation = ctypes.addressof(work.struct)
        self.pending = Pending(request, work, self._on_reply)
        self.pending.on_text = self._on_text
        work.struct.on_token, work.struct.arg = _ON_TOKEN, self.pending.key

    def _on_text(self, text: str) -> bool:
        self.put(text)
        return not self.closed

    def _on_reply(self, status: int, message: bytes) -> None:
        if status == c.OK:
            self.results = self.work.results()
        else:
            self.work.release()
        self.put((status, message))

    def end(self, item: tuple[int, bytes]) -> HoneError | None:
        return error_of(*item) if item[0] != c.OK and not self.closed else None

    def all(self) -> list[Generated]:
        if self.results is None:
            raise CancelledError("the text was closed before its end")
        return self.results


class Stream(Iterator[str]):
    """A text while it is written: iterate over its parts. When it is over, `results` are there, the best first. Who stops
    before calls close(), or leaves a `with`, or forgets the stream; the rest is not written then."""

    def __init__(self, scheduler: Scheduler, work: Work, owner: object, priority: int = 0) -> None:
        self._owner = owner  # closes the scheduler when it goes
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._scheduler, self._writing = scheduler, _Writing(work, priority, self._queue.put)
        self._ended = False
        while (wait := scheduler.submit(self._writing.pending)) is not None:
            time.sleep(wait)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        if self._ended:
            raise StopIteration
        try:
            item = self._queue.get()
        except BaseException:  # Ctrl-C
            self.close()
            raise
        if isinstance(item, str):
            return item
        self._ended = True
        raise self._writing.end(item) or StopIteration

    @property
    def results(self) -> list[Generated]:
        """What came of it, once it is over: of beam search the best first. Waits for that."""
        for _ in self:
            pass
        return self._writing.all()

    def result(self) -> Generated:
        """The text as a whole. Waits for its end."""
        return self.results[0]

    def close(self) -> None:
        """Ends it now."""
        self._writing.closed = True
        self._scheduler.cancel(self._writing.pending)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            self.close()


async def call(scheduler: Scheduler, request: Any, keep: object) -> None:
    """Submits, waits for room where there is none, and for the reply. A task that is cancelled cancels the request."""
    loop = asyncio.get_running_loop()
    while True:
        future: asyncio.Future[tuple[int, bytes]] = loop.create_future()

        def tell(status: int, message: bytes, future: asyncio.Future[tuple[int, bytes]] = future) -> None:
            _tell(loop, future, (status, message))

        pending = Pending(request, keep, tell)
        wait = scheduler.submit(pending)
        if wait is None:
            break
        await asyncio.sleep(wait)
    try:
        status, message = await future
    except asyncio.CancelledError:
        scheduler.cancel(pending)
        raise
    if status != c.OK:
        raise error_of(status, message)


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], value: Any) -> None:
    def set_it() -> None:
        if not future.done():
            future.set_result(value)

    try:
        loop.call_soon_threadsafe(set_it)
    except RuntimeError:  # the loop was closed: nobody waits
        pass


class AsyncStream(AsyncIterator[str]):
    """As Stream, for `async for`."""

    def __init__(self, scheduler: Scheduler, work: Work, owner: object, priority: int = 0) -> None:
        self._owner = owner
        self._scheduler, self._work, self._priority = scheduler, work, priority
        self._queue: asyncio.Queue[Item] = asyncio.Queue()
        self._writing: _Writing | None = None
        self._ended = False

    async def _start(self) -> _Writing:
        loop, items = asyncio.get_running_loop(), self._queue

        def put(item: Item) -> None:
            try:
                loop.call_soon_threadsafe(items.put_nowait, item)
            except RuntimeError:  # the loop was closed: nobody reads
                writing.closed = True

        writing = self._writing = _Writing(self._work, self._priority, put)
        while (wait := self._scheduler.submit(writing.pending)) is not None:
            await asyncio.sleep(wait)
        return writing

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> str:
        if self._ended:
            raise StopAsyncIteration
        writing = self._writing or await self._start()
        try:
            item = await self._queue.get()
        except asyncio.CancelledError:
            self.close()
            raise
        if isinstance(item, str):
            return item
        self._ended = True
        raise writing.end(item) or StopAsyncIteration

    async def results(self) -> list[Generated]:
        """What came of it: of beam search the best first. Waits for the end."""
        async for _ in self:
            pass
        assert self._writing
        return self._writing.all()

    async def result(self) -> Generated:
        """The text as a whole. Waits for its end."""
        return (await self.results())[0]

    def close(self) -> None:
        """Ends it now."""
        if self._writing:
            self._writing.closed = True
            self._scheduler.cancel(self._writing.pending)

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            self.close()
