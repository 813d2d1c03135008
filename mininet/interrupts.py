"""Ctrl-C and SIGTERM end a run through its `with` blocks, so that what they made is removed.

A signal that comes while something is being made, or removed, waits until that is done: nothing is ever left half-made
and unrecorded.
"""

import signal
from contextlib import contextmanager

_depth = 0
_pending = None


class Interrupted(KeyboardInterrupt):
    """The run was asked to end."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def install():
    """Turn SIGINT and SIGTERM into `Interrupted`, raised in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


@contextmanager
def uninterrupted():
    """Signals that come within this block are raised at its end, or at the end of the outermost such block.

    The handler defers, instead of the kernel: a blocked signal would stay blocked in the processes started here.
    """
    global _depth, _pending
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0 and _pending is not None:
            number, _pending = _pending, None
            raise Interrupted(number)


@contextmanager
def making(undo):
    """Whatever stops this block, a signal included, `undo` is called. For `__enter__`, after whose failure no
    `__exit__` follows."""
    try:
        with uninterrupted():
            yield
    except BaseException:
        with uninterrupted():
            undo()
        raise


class Made:
    """What `_start` makes lasts while the context does: then `_undo` removes it, also what was made of it before
    something stopped it."""

    def __enter__(self):
        with making(self._undo):
            self._start()
        return self

    def __exit__(self, *_):
        with uninterrupted():
            self._undo()

    def _start(self):
        raise NotImplementedError

    def _undo(self):
        raise NotImplementedError


def _on_signal(number, _frame):
    global _pending
    if _depth:
        _pending = number
    else:
        raise Interrupted(number)
