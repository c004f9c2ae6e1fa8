"""Parts of the docs that are made from the sources."""
