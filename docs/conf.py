"""How the manual is built."""

import sys
from pathlib import Path

from sklearn_sfx import __version__

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import reference  # noqa: E402

(DOCS / "api.md").write_text(reference.page())

project = "sklearn_sfx"
author = "the sklearn_sfx developers"
release = version = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates", "auto_examples/*.ipynb", "auto_examples/*.py"]
templates_path = ["_templates"]
myst_heading_anchors = 3

# Docstrings: single backticks link to what can be imported, and are plain words otherwise.
default_role = "autolink"
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's types say more
numpydoc_show_class_members = False

# A link of ours that leads nowhere is an error. Other projects' names are not looked up: that
# takes a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!sklearn_sfx).*")]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": "sklearn_sfx",
    "backreferences_dir": "api/examples",
    "reference_url": {"sklearn_sfx": None},
    "reset_modules": ("matplotlib",),
    "recommender": {"enable": False},
    "abort_on_example_error": True,
    "thumbnail_size": (480, 320),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 10_000,  # how long it took on the builder is of no interest
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_sfx"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_toc_level": 2,
    "show_prev_next": True,
    "navigation_depth": 3,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "article_footer_items": [],
}
# Pages without pages below them have nothing to show at the side.
html_sidebars = {page: [] for page in ("getting_started", "how_it_works", "results", "benchmarks")}
