"""The verbs, a module for each topic: each has ``register``, which adds its commands to the app.

``kubesaga.cli.main`` has the list.
"""
