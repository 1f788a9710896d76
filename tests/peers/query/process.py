"""A system as a process that is told operations and answers with times."""

import json
import queue
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

LOAD_S = 900


@dataclass(frozen=True)
class System:
    """One column of the table. The command is followed by the data's and a working folder."""

    name: str
    title: str
    command: tuple[str, ...]
    ours: bool = False


class Lost(Exception):
    """The process ended, or was ended because it took too long."""


class Process:
    """It starts with the first operation, loads the data, and starts again after it was lost."""

    def __init__(self, system: System, data: Path, work: Path, limit: float):
        self.system, self.data, self.limit = system, data, limit
        self.work = work / system.name
        self.log = work / f"{system.name}.log"
        self.version = ""
        self._child: subprocess.Popen | None = None

    def start(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self._child = subprocess.Popen(
            [*self.system.command, str(self.data), str(self.work)],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("a"),
            text=True,
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, args=(self._child, self._answers), daemon=True).start()
        self.version = self._answer(LOAD_S)["ready"]

    def time(self, op: str, warm_ms: int, budget_ms: int) -> dict:
        """How long an operation takes, and what it counts."""
        if self._child is None:
            self.start()
        try:
            self._child.stdin.write(f"{op} {warm_ms} {budget_ms}\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            self.stop()
            raise Lost(f"ended, see target/{self.log.parent.name}/{self.log.name}") from None
        return self._answer(self.limit + (warm_ms + budget_ms) / 1e3)

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    @staticmethod
    def _read(child: subprocess.Popen, answers: queue.Queue) -> None:
        # What else a library may print does not begin like this.
        for line in child.stdout:
            if line.startswith("{"):
                answers.put(line)
        answers.put(None)

    def _answer(self, limit: float) -> dict:
        try:
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            self.stop()
            raise Lost(f"> {self.limit:.0f} s") from None
        if line is None:
            self.stop()
            raise Lost(f"ended, see target/{self.log.parent.name}/{self.log.name}")
        return json.loads(line)
