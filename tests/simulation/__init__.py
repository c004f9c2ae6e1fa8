"""The real operator on a simulated cluster, in virtual time, with everything that can go wrong going wrong.

One seed is one plan is one exact run. ``plan`` has the plan's words, ``sowing`` draws one from a seed, ``simulation``
runs it: ``api_server`` with its watches, the ``workloads`` (Job controller, kubelets, handlers), the operator
``processes`` on their ``transport``, and ``people`` who act. ``guards`` watch every step for the guarantees.
``python -m tests.simulation --help`` runs seeds by hand (``make fuzz``).
"""
