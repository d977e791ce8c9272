"""How far a training is: a bar on a terminal, plain lines in a log."""

import sys

from tqdm import tqdm


class Progress:
    """Called with (seed, step, loss); the bar counts the steps of the seed at hand."""

    def __init__(self, steps: int):
        self.steps = steps
        self.seed = None
        self.bar = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, seed: int, step: int, loss: float) -> None:
        if not sys.stderr.isatty():
            self._line(seed, step, loss)
            return
        if seed != self.seed:
            self.__exit__()
            self.seed, self.bar = seed, tqdm(total=self.steps, desc=f"seed {seed}", unit="step")
        self.bar.update(step - self.bar.n)
        self.bar.set_postfix(loss=f"{loss:.2f}")

    def _line(self, seed: int, step: int, loss: float) -> None:
        """Ten lines a run: enough to see that it lives and falls."""
        if step * 10 // self.steps != (step - max(1, self.steps // 100)) * 10 // self.steps:
            print(f"seed {seed}  step {step}/{self.steps}  loss {loss:.2f}", file=sys.stderr)
