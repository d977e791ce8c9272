"""The documentation as a site, for Sphinx: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "disentbench"
extensions = ["myst_parser", "sphinx.ext.autodoc", "_extensions.site"]
exclude_patterns = ["_build", "_extensions"]
nitpicky = True
# A signature names types as its file does, most of which are others' or described by no page.
nitpick_ignore_regex = [("py:.*", ".*")]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

default_role = "literal"  # a docstring's single backticks are code
smartquotes_action = "q"  # two hyphens begin an option
highlight_language = "text"
python_maximum_signature_line_length = 72
python_use_unqualified_type_names = True
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

html_theme = "furo"
html_title = "disentbench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "outlines"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
