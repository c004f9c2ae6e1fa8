"""What makes Jobs run in a simulation: the Job controller, the scheduler, nodes with kubelets, and the programs."""
