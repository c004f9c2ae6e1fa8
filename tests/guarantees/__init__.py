"""What Kubesaga guarantees, as checks: of one change of a Task, of an attempt that begins, of everything at the end.

``identifiers`` names the guarantees; docs/guarantees.md tells them to users under the same names. The checks are pure:
objects as JSON go in, breaches come out. The simulation asks them after every step (``tests.simulation.guards``), a
chaos test on a real cluster afterwards (``afterwards.check``).
"""
