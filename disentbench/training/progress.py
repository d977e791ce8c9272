"""How far a pack's training is: a bar on a terminal, lines in a log, a file for `status`."""

import json
import math
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from tqdm import tqdm

from disentbench.storage import files

SECONDS_BETWEEN_FILES = 5


class Progress:
    """Called from any thread with (seeds trained as one, step, loss), first where they begin.

    The bar counts the steps of all members, and so does the file: `done`, `total`, and what this
    process did: `seconds` since it had `began` steps.
    """

    def __init__(self, seeds: range, steps: int, file: Path):
        self.seeds, self.steps, self.total = seeds, steps, steps * len(seeds)
        self.file = file
        self.lock = Lock()
        self.of: dict[int, int] = {}  # steps of all that are trained as one, by their first seed
        self.bar: tqdm | None = None
        self.began, self.start, self.written = 0, time.monotonic(), -math.inf

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            first, last = self.seeds[0], self.seeds[-1]
            named = f"seed {first}" if first == last else f"seeds {first}-{last}"
            self.bar = tqdm(total=self.total, desc=named, unit="step")
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    @property
    def done(self) -> int:
        """Steps of all members together."""
        return sum(self.of.values())

    def __call__(self, seeds: list[int], step: int, loss: float) -> None:
        with self.lock:
            if seeds[0] not in self.of:
                self._begin(seeds, step)
            self.of[seeds[0]] = step * len(seeds)
            self._write()
            if self.bar is not None:
                self.bar.update(self.done - self.bar.n)
                self.bar.set_postfix(loss=f"{loss:.2f}")
            elif math.isfinite(loss):
                self._line(seeds[0], step, loss)

    def _begin(self, seeds: list[int], step: int) -> None:
        """What was done before is not this process's work."""
        self.began += step * len(seeds)
        if self.bar is not None:
            self.bar.initial += step * len(seeds)
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
