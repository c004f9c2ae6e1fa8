"""The edge: everything of the operator that touches a cluster.

One Task flows through it in one direction: feed → router → cache and queue → gather → (engine) decide → apply.
"""
