"""The decisions: pure functions from what is known to what is to be done.

Standard library only, no I/O, no clock, no randomness of its own. The operator, the local engine and the
simulator all call ``decide`` and nothing else decides anything.
"""
