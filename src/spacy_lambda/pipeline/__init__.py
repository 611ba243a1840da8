"""What the build side reads of spaCy's files: a pipeline's config and kind, without loading it, and a corpus's Docs."""
