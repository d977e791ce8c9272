"""What ends a command early: a mistake of its user, or a signal."""


class UserError(ValueError):
    """A mistake in a config, a file or a command line; the command line exits with code 2."""


class Stopped(Exception):  # noqa: N818 - an order obeyed is no error
    """A signal has ended the work; what was done is kept. The exit code is 128 + `number`."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number
