"""What watches a run for the guarantees, after every step; and forged histories that must not get past."""
