"""What a real API server does, as a script that the simulated one is held to.

``scenarios`` are written once, against a ``Server``. ``simulated`` and ``real`` are the two, ``transcript`` is what was
asked and answered, without what must differ. ``make check`` compares the simulated server with the recorded transcript
of a kube-apiserver; ``tests/cluster/test_simulated_api.py`` compares the recorded one with the cluster at hand.
"""
