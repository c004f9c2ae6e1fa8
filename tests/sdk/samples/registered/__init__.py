"""Handlers that templates name without their modules; see tests/sdk/test_registry.py."""
