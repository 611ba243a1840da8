"""A handler module whose import fails."""

raise ValueError("no model today")
