"""``doc._.trf_data`` of a compiled pipeline, as the original's library gives it, in numpy."""
