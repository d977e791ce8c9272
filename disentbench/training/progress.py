"""How far a pack's training is: a bar on a terminal, lines in a log, a file for `status`."""

import json
import math
import sys
import time
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from disentbench.storage import files

SECONDS_BETWEEN_FILES = 5


class Progress:
    """Called with (seeds trained side by side, step, loss), first of all where they begin.

    The bar counts the steps of the seeds at hand. The file holds the steps of all members: `done`,
    `total`, and what this process did: `seconds` since it had `began` steps.
    """

    def __init__(self, seeds: range, steps: int, file: Path):
        self.first, self.steps, self.total = seeds[0], steps, steps * len(seeds)
        self.file = file
        self.members: list[int] = []
        self.bar: tqdm | None = None
        self.began: int | None = None
        self.done, self.start, self.written = 0, time.monotonic(), -math.inf

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, seeds: list[int], step: int, loss: float) -> None:
        if seeds != self.members:
            self._begin(seeds, step)
        self.done = (seeds[0] - self.first) * self.steps + step * len(seeds)
        if self.began is None:
            self.began, self.start = self.done, time.monotonic()
        self._write()
        if self.bar is not None:
            self.bar.update(step - self.bar.n)
            self.bar.set_postfix(loss=f"{loss:.2f}")
        elif math.isfinite(loss):
            self._line(seeds[0], step, loss)

    def _begin(self, seeds: list[int], step: int) -> None:
        self.__exit__()
        self.members = seeds
        if sys.stderr.isatty():
            named = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
            self.bar = tqdm(total=self.steps, initial=step, desc=named, unit="step")
        elif step:
            print(f"seed {seeds[0]}  resumed at step {step}/{self.steps}", file=sys.stderr)

    def _line(self, seed: int, step: int, loss: float) -> None:
        """Ten lines a run: enough to see that it lives and falls."""
        if step * 10 // self.steps != (step - max(1, self.steps // 100)) * 10 // self.steps:
            print(f"seed {seed}  step {step}/{self.steps}  loss {loss:.2f}", file=sys.stderr)

    def _write(self) -> None:
        """The file is for people: a disk that is full does not stop the training."""
        now = time.monotonic()
        if now - self.written < SECONDS_BETWEEN_FILES:
            return
        self.written = now
        content = {"done": self.done, "total": self.total, "began": self.began}
        with suppress(OSError), files.whole(self.file) as temporary:
            temporary.write_text(json.dumps(content | {"seconds": now - self.start}))
