"""What the CLI says about Tasks, as pure functions of Task objects: no cluster, no clock, no terminal.

``story`` reads an object and what belongs to it; every other module here is one page or one computation over stories.
"""
