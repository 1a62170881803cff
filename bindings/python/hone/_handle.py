"""The library's model behind a Model: who uses it, and when it can go."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

from . import _library as c
from ._calls import LONG, Stop, in_main_thread, interruptible
from ._errors import HoneError, UsageError, check

PATH_MAX = 4096


class Handle:
    """An open model. Its calls may come from many threads; it is freed when it was closed and the last of them ended."""

    def __init__(self, name: str, options: c.Options) -> None:
        self.name = name
        self.path = find(name)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._n_calls = 0
        self._closed = False
        self._pointer = ctypes.c_void_p()
        err, stop = c.Error(), Stop()

        def open_it() -> int:
            status: int = c.lib.hone_model_open(
                ctypes.byref(self._pointer), os.fsencode(self.path), ctypes.byref(options), ctypes.byref(err)
            )
            if stop.is_set():  # nobody waits for it any more
                c.lib.hone_model_close(ctypes.byref(self._pointer))
            return status

        check(interruptible(open_it, stop) if in_main_thread() else open_it(), err)
        self.info = c.lib.hone_model_info(self._pointer).contents

    def begin(self) -> ctypes.c_void_p:
        """Who calls this calls end() later. Returns what the library knows the model by."""
        if os.getpid() != self._pid:
            raise HoneError(
                f"{self.name} was opened in process {self._pid}, of which this one is a fork: threads do not survive that. "
                "Open the model in each process (with multiprocessing: in the initializer, or with the start method 'spawn')"
            )
        with self._lock:
            if self._closed:
                raise UsageError(f"{self.name} was closed")
            self._n_calls += 1
        return self._pointer

    def end(self) -> None:
        with self._lock:
            self._n_calls -= 1
            last = self._closed and self._n_calls == 0
        if last:
            c.lib.hone_model_close(ctypes.byref(self._pointer))

    def close(self) -> None:
        """New calls are refused; those that run end as usual."""
        if os.getpid() != self._pid:  # the parent's
            return
        with self._lock:
            last = not self._closed and self._n_calls == 0
            self._closed = True
        if last:
            c.lib.hone_model_close(ctypes.byref(self._pointer))

    def call(self, call: Callable[[ctypes.c_void_p, Any], int], n_bytes: int, stop: Stop) -> tuple[int, c.Error]:
        """Runs a function of the library, given the model and where its sentence goes; n_bytes of text make it long or
        short. Returns the status and the sentence."""
        err = c.Error()
        pointer = self.begin()

        def run() -> int:
            try:
                return call(pointer, ctypes.byref(err))
            finally:
                self.end()

        # A short call waits for others of this model, however long they take.
        is_long = n_bytes * int(self.info.n_params) > LONG or self._n_calls > 1
        status = interruptible(run, stop) if is_long and in_main_thread() else run()
        return status, err


def find(name: str) -> str:
    """The path of a model that is named as on the command line: a path, hf:user/repo[:FILE|:QUANTISATION][@REVISION] or
    ollama:NAME[:TAG]. A plain user/repo that is no path is one of the hub."""
    named = name
    if not name.startswith(("hf:", "ollama:")):
        if os.path.exists(name) or name.count("/") != 1 or name.startswith((".", "/", "~")):
            return name
        named = "hf:" + name
    path, err = ctypes.create_string_buffer(PATH_MAX), c.Error()
    status = c.lib.hone_python_find(os.fsencode(named), path, PATH_MAX, ctypes.byref(err))
    if status != c.OK and named.startswith("hf:") and _fetch(named):
        status = c.lib.hone_python_find(os.fsencode(named), path, PATH_MAX, ctypes.byref(err))
    check(status, err)
    return os.fsdecode(path.value)


def _fetch(named: str) -> bool:
    """Has huggingface_hub fetch it, where that is installed. The library looks into the same cache."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        return False
    repo, _, revision = named[len("hf:") :].partition("@")
    repo, _, pick = repo.partition(":")
    files = [f"*{pick}*", f"*{pick.upper()}*"] if pick else ["*.json", "*.txt", "*.model", "*.jinja", "*.safetensors"]
    try:
        snapshot_download(repo, revision=revision or None, allow_patterns=files)
    except Exception as e:  # of many kinds
        raise HoneError(f"{named} is not here and cannot be fetched: {e}") from e
    return True
