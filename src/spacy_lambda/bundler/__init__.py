"""A pipeline -> a bundle: the zip or image that Lambda runs, for a Python and an architecture other than this machine's
if need be.

::

    PIPELINE ──pins──▶ name==version ──wheels──▶ files ──tree──▶ folder ──slim──▶ smaller folder ──build──▶ zip | image
                             │                                                        │
                             └── lock (with hashes), inside the bundle                └── report of what was removed

A bundle holds the versions that are installed here, with which the pipeline was tested, resolved again for the target's
Python and architecture. No package is run or compiled: one without a wheel for the target is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.bundler.build import Bundle, BundleOptions, bundle
    from spacy_lambda.bundler.image.push import PushedImage, push_image
    from spacy_lambda.bundler.target import Target

__all__ = ["Bundle", "BundleOptions", "PushedImage", "Target", "bundle", "push_image"]

_LAZY_IMPORTS = {
    "Bundle": "spacy_lambda.bundler.build",
    "BundleOptions": "spacy_lambda.bundler.build",
    "PushedImage": "spacy_lambda.bundler.image.push",
    "Target": "spacy_lambda.bundler.target",
    "bundle": "spacy_lambda.bundler.build",
    "push_image": "spacy_lambda.bundler.image.push",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS)
