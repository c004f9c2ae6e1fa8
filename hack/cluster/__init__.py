"""The test cluster: one real Kubernetes for `make demo`, `make test` and `make bench`, by one command.

People and the Makefile call `python -m hack.cluster` (see `--help`); tests and benchmarks may import it. It uses the
standard library only, because it must run before any environment exists.
"""
