"""Runs by the thousand: on all cores, tallied, shrunk, told; and the crash sweep."""
