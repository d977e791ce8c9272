"""The user's mistakes: one sentence that says what came and what would do."""


class UserError(ValueError):
    """A mistake in a config, a file or a command line; the command line exits with code 2."""
