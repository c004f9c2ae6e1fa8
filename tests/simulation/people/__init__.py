"""The people of a run: what the plan has them do, and what a patient human decides."""
