"""The custom resources: their models, the CRDs and editor schemas made from them, and what they compile to.

``models`` says what a user may write, ``findings`` what is wrong with it, ``compile`` turns it into the
engine's Plan, ``programs`` into what an attempt runs. Imports the engine's vocabulary and plan, nothing else
of ours; called by the runtime, and offline by whatever checks a manifest without a cluster.
"""
