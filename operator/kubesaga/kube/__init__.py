"""The API server in plain dicts: how to reach it, what its paths are, and one client for all calls.

The operator (``runtime``) and the Python client (``client``) both stand on it; it knows neither of them.
"""
