"""The rules of a decision, one concept per file; ``kubesaga.engine.decide`` says in which order they apply.

Each policy is a function of the Draft: it reads what is recorded and observed, and writes down what follows.
"""
