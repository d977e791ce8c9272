"""Write the table that a command answers with, to a file or to the terminal."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from disentbench.storage import files, seals
from disentbench.storage.identities import Identity

if TYPE_CHECKING:
    import pandas as pd


def write_table(
    table: "pd.DataFrame", out: Path | None, sums: bool = False, identity: Identity | None = None
) -> None:
    """A table in a .csv or .json file, its checksum beside it, or readable on the terminal."""
    if out is None:
        print(table.to_string(index=False, float_format="{:.6f}".format))
        return
    from disentbench.scoring import scores

    with files.whole(out) as path:
        if out.suffix.lower() == ".json":
            path.write_text(json.dumps(scores.records(table)))
        else:
            table.to_csv(path, index=False)
    if sums:
        seals.write_sums(out, identity=identity)
