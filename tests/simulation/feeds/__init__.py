"""How news of the simulated API server reaches an operator: kopf itself over a simulated socket, or the cheap feed."""
