"""What the shell of every job is told before the rule's command."""

import shlex
from pathlib import Path

from disentbench.storage import files


def prefix(python: str, again: str, in_image: bool) -> str:
    """How a job finds the command and knows how to run the workflow again, in braces for Snakemake.

    The command is the one beside the Python that runs Snakemake, activated or not; in a container's
    image it is the image's own. `again` is said where an input is damaged. The shell outlives
    SIGTERM: it waits for the training that saves.
    """
    here = shlex.quote(str(Path(python).parent))
    path = "" if in_image else f'PATH={here}:"$PATH" '
    words = f"trap : TERM; export {path}{files.RERUN}={shlex.quote(again)}; "
    return words.replace("{", "{{").replace("}", "}}")
