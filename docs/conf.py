"""How the manual is built."""

from sklearn_sfx import __version__

project = "sklearn_sfx"
author = "the sklearn_sfx developers"
release = version = __version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
autosummary_generate = True
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_title = "sklearn_sfx"
