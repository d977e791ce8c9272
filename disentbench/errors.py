"""The user's mistakes: one sentence that says what came and what would do."""


class UserError(Exception):
    """A mistake in a config, a file or a command line; the command line turns it into exit code 2."""
