"""The command line in processes that start at once: forked from one that has imported and compiled everything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Done", "ForkServer", "Running"]

SERVER = """
import itertools, json, os, sys, time
import pyarrow as pa
import pyarrow.csv, pyarrow.parquet, tqdm
import thighdx.cli.report, thighdx.files.report, thighdx.files.run, thighdx.files.scoring
from thighdx.cli import main
from thighdx.files.work import Work
from thighdx.scoring.scorer import Scorer

keep = Work.keep

def linger(after_parts, seconds):
    n_parts = itertools.count(1)
    def keep_and_wait(*part):
        keep(*part)
        if next(n_parts) == after_parts:
            time.sleep(seconds)
    Work.keep = keep_and_wait

warm = pa.record_batch({"bruising": ["yes", None], "age": [30, 40]})
Scorer(sys.argv[1], n_threads=1)(warm)
for line in sys.stdin:
    request = json.loads(line)
    process = os.fork()
    if process == 0:
        for descriptor, name in enumerate(("/dev/null", request["stdout"], request["stderr"])):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), descriptor)
        os.chdir(request["cwd"])
        linger(*request["linger"])
        sys.argv = ["thighdx", *request["words"]]
        try:
            main()
        except SystemExit as error:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(error.code or 0)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Running:
    """A process that runs; the server starts no other before it has ended."""

    server: subprocess.Popen[str]
    pid: int
    folder: Path

    def when(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true or the process has ended."""
        deadline = time.monotonic() + 120
        while not condition() and self.is_running() and time.monotonic() < deadline:
            time.sleep(0.001)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        stat = Path(f"/proc/{self.pid}/stat")
        try:
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal, which may come too late."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def wait(self) -> Done:
        """Wait for the end."""
        assert self.server.stdout is not None
        code = int(self.server.stdout.readline())
        said = [(self.folder / name).read_text() for name in ("stdout", "stderr")]
        return Done(code, *said)


class ForkServer:
    """Starts `thighdx score` with a model; close it in the end."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *words: str | Path, cwd: Path, linger: tuple[int, float] = (0, 0.0)) -> Running:
        """Start a process; once so many parts are kept, it waits so many seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for name in ("stdout", "stderr"):
            (self.folder / name).write_text("")
        request = {
            "words": ["score", *map(str, words), "--model", str(self.model)],
            "cwd": str(cwd),
            "linger": linger,
            "stdout": str(self.folder / "stdout"),
            "stderr": str(self.folder / "stderr"),
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Running(self.process, int(self.process.stdout.readline()), self.folder)

    def run(self, *words: str | Path, cwd: Path) -> Done:
        """Run a process to its end."""
        return self.start(*words, cwd=cwd).wait()

    def close(self) -> None:
        """Stop the server."""
        self.process.communicate()
