"""The examples' golden histories: ``examples/<name>/history/``, one file for each Task.

``test_golden`` plays the examples with the real engine and the real programs, and no cluster;
tests/cluster/test_examples has them run on one. Both must come to what the files say.
"""
