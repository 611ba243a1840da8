"""A pipeline's folder, read by the build side without loading it: its config and its kind."""
