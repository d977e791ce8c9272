"""Figures look alike whatever the user's own settings of matplotlib are."""

import io
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools import subset
from fontTools.ttLib import TTFont

from disentbench.report import style
from disentbench.storage.layout import ReportFolder

STUDY = {
    "study": "little",
    "datasets": {"tiny": {"of": "dsprites_small", "posX": {"stride": 8}}},
    "objectives": {"vae": {}},
    "seeds": "0",
    "architecture": {"of": "mlp_chen2018", "hidden": 8},
    "training": {"steps": 1, "batch_size": 8},
}
OF_A_USER = {
    "text.usetex": True,
    "font.size": 20,
    "savefig.dpi": 50,
    "savefig.bbox": "tight",
    "axes.grid": True,
    "lines.linestyle": "--",
    "figure.constrained_layout.w_pad": 1,
    "pdf.compression": 0,
    "svg.image_inline": False,
}


def drawn(folder) -> tuple[str, bytes, bytes]:
    """A small figure in every format."""
    with style.applied():
        figure = style.canvas(3.0, 2.0)
        axes = figure.add_subplot(title="β")
        axes.plot([1, 2], [1, 3])
        axes.imshow([[0, 1]], extent=(1, 2, 1, 2))
        style.save(figure, ReportFolder(folder), "plot")
        svg = style.svg(figure, "salt")
    return svg, *((folder / f"figures/plot.{kind}").read_bytes() for kind in ("png", "pdf"))


def test_a_users_settings_change_no_figure_and_are_kept(tmp_path):
    plain = drawn(tmp_path / "plain")
    with mpl.rc_context(OF_A_USER):
        assert drawn(tmp_path / "set") == plain
        assert mpl.rcParams["font.size"] == 20


def test_fonts_in_a_pdf_keep_glyphs_and_text_and_lose_tables_for_layout(tmp_path):
    usual = subset.Options
    _, _, pdf = drawn(tmp_path)
    assert subset.Options is usual
    packed = re.findall(rb"stream\r?\n(x.*?)\s*endstream", pdf, re.DOTALL)
    streams = [zlib.decompressobj().decompress(stream) for stream in packed]
    fonts = [TTFont(io.BytesIO(stream)) for stream in streams if stream.startswith(b"\0\1\0\0")]
    assert fonts
    for font in fonts:
        assert {"glyf", "loca", "hmtx"} <= set(font.keys())
        assert not set(font.keys()) & set(style.LAYOUT_TABLES)
    assert any(b"<03B2>" in stream.upper() for stream in streams)  # what is copied is a beta


@pytest.mark.parametrize("settings", ["text.usetex: True\nbackend: none\n", "no setting\n"])
def test_a_report_begins_whatever_backend_and_settings_it_finds(tmp_path, settings):
    """It gets as far as the table, which is not there; a backend of Jupyter's is in no terminal."""
    (tmp_path / "matplotlibrc").write_text(settings)
    asked = (json.dumps(STUDY), "--scores", "none.csv", "--out", "page.html")
    done = subprocess.run(
        [sys.executable, "-m", "disentbench.cli", "report", *asked],
        cwd=tmp_path,
        env=os.environ
        | {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith("disentbench report: none.csv does not exist\n")
