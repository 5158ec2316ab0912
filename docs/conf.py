"""The Sphinx configuration of SQLSoup's documentation."""

import sys
from pathlib import Path

import sqlsoup

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions that are ours

project = "SQLSoup"
author = "the SQLSoup authors"
copyright = "the SQLSoup authors"  # noqa: A001
version = release = sqlsoup.__version__

extensions = ["sphinx.ext.autodoc", "deviations", "fault_table", "house", "old_names"]
html_theme = "furo"
html_title = f"SQLSoup {release}"

smartquotes = False

nitpicky = True
# Only names of our own can be resolved: intersphinx would make every build depend on other sites.
nitpick_ignore_regex = [
    ("py:.*", r"(sqlalchemy|collections|contextlib|pathlib|types|typing)\..*"),
    ("py:.*", r"(datetime|decimal|ipaddress|uuid)\..*|float|bytes|set"),
    ("py:.*", r"(object|type|str|int|bool|dict|list|tuple|None|AttributeError|UserWarning)"),
]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
