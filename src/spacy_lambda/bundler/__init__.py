"""A pipeline -> a bundle: what Lambda runs, for a Python and an architecture that need not be this machine's.

::

    PIPELINE ──pins──▶ name==version ──wheels──▶ files ──tree──▶ folder ──slim──▶ smaller folder ──archive──▶ zip
                             │                                                        │
                             └── lock (with hashes), inside the bundle                └── account of what was removed

What is bundled is what is installed here: the versions that the pipeline was tried with, resolved again for the
target's Python and architecture. Nothing of it is run, and nothing is compiled: a package without a wheel for the
target is refused.
"""
