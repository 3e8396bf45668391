"""Starting, awaiting and ending the lab's own processes; ends them by pid and touches no other."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class LabError(RuntimeError):
    """Something of the lab itself, not of what it tests, went wrong."""


def run(*argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a short command to its end and return its standard output.

    Raises LabError with the command's standard error when it fails and ``check`` is set.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Poll ``ready`` until it holds or ``seconds`` have passed; returns whether it held."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Process:
    """One background process in a namespace, its output in a log file.

    ``start`` returns only when the process is ready (``ready_pattern`` in its output, or
    ``is_ready``), so nothing that follows has to guess a delay.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        netns: str | None = None,
        ready_pattern: str | None = None,
        is_ready: Callable[[], bool] | None = None,
        ready_seconds: float = 20,
        stop_signal: signal.Signals = signal.SIGTERM,
        stdout: Path | None = None,
    ) -> None:
        inside = ["ip", "netns", "exec", netns] if netns else []
        # The kernel ends it when the tests themselves are killed.
        self.argv = ["setpriv", "--pdeathsig", "KILL", *inside, *argv]
        self.log_path = log
        self._ready_pattern = ready_pattern
        self._is_ready = is_ready
        self._ready_seconds = ready_seconds
        self._stop_signal = stop_signal
        self._stdout_path = stdout
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        """Start it and wait for readiness. Raises LabError when it dies or stays unready."""
        with self.log_path.open("ab") as log:
            if self._stdout_path is None:
                self._popen = subprocess.Popen(
                    self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            else:
                with self._stdout_path.open("wb") as out:
                    self._popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        wait_until(lambda: self._settled() or not self.running, self._ready_seconds)
        if not self.running or not self._settled():
            self.stop()
            raise LabError(f"{' '.join(self.argv)} did not get ready:\n{self.log()[-2000:]}")
        return self

    def _settled(self) -> bool:
        if self._ready_pattern and not re.search(self._ready_pattern, self.log()):
            return False
        return self._is_ready is None or self._is_ready()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Its process id (``setpriv`` and ``ip netns exec`` replace themselves with the program)."""
        if self._popen is None:
            raise LabError("not started")
        return self._popen.pid

    def log(self) -> str:
        """What it has written so far."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes().decode(errors="replace")

    def wait(self, seconds: float) -> int | None:
        """Wait for its own end; the exit status, or None when it still runs."""
        if self._popen is None:
            raise LabError("not started")
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it and its children without giving them a chance to say goodbye, as a crash would."""
        if self._popen is not None:
            children = self._children()
            self._popen.kill()
            self._popen.wait()
            _kill_all(children)

    def stop(self) -> int | None:
        """End it in order, forcibly when it does not listen; returns its exit status."""
        if self._popen is None:
            return None
        if self._popen.poll() is None:
            # tftpd-hpa has a child for each transfer, which outlives it.
            children = self._children()
            self._popen.send_signal(self._stop_signal)
            if self.wait(15) is None:
                self._popen.kill()
                self._popen.wait()
            _kill_all(children)
        return self._popen.returncode

    def _children(self) -> list[int]:
        try:
            return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except FileNotFoundError:
            return []


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
