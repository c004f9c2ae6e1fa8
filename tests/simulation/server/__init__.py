"""A Kubernetes API server in memory: objects, their versions, watches, garbage collection, namespaces."""
