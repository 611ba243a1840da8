"""Access to AWS that several parts of the build side share."""
