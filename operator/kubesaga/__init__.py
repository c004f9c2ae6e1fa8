"""Kubesaga: a Kubernetes operator for workflows that must end well, or be undone."""

from __future__ import annotations

__version__ = "0.1.0"
