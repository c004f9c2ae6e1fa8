"""The demo: the example on a cluster, told as it happens. Run by `make demo`, or `python -m hack.demo`.

Standard library and kubectl only, so that what it shows is what anybody sees who types the same commands.
"""
