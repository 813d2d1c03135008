"""A program in the background, with a directory of its own that its log is in."""

import os
import shutil
import tempfile

import interrupts
from processes import end, start


class Background(interrupts.Made):
    """Runs while the context lasts; then its directory is gone, too. Whoever inherits from it says in `_launch` how it
    is started, by `_run`, and when it is ready, and may free in `_undo` what else it has."""

    def __init__(self, prefix):
        self._prefix = prefix
        self._process = self._directory = None

    def _start(self):
        self._directory = tempfile.mkdtemp(prefix=self._prefix)
        self._launch()

    def _launch(self):
        raise NotImplementedError

    def _run(self, command, environment=None):
        """Start the process; what it writes is added to the log. `environment` is added to that of this process."""
        with open(self._log_path, "ab") as log:
            self._process = start(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})

    def _undo(self):
        if self._process is not None:
            end(self._process, patience=10)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self):
        """The process id."""
        return self._process.pid

    @property
    def _log_path(self):
        return os.path.join(self._directory, "log")

    def log(self):
        """All that it has written."""
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return file.read()
