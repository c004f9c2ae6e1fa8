"""Workflows written in Python: the model, the runners, the template, and that all of them agree."""
