"""The real operator on a simulated cluster, in virtual time, with everything that can go wrong going wrong.

One seed is one plan is one exact run. ``plan`` has the plan's words, ``plans`` draw one from a seed, ``simulation``
runs it: the API ``server`` with its watches, the ``workloads`` (Job controller, scheduler, kubelets, programs), the
operator ``processes`` on their ``transport`` with their ``feeds``, and the ``people`` who act. ``guards`` watch every
step for the guarantees. ``driving`` runs seeds by the thousand; ``python -m tests.simulation --help`` does so by hand
(``make fuzz``).
"""
