"""Where plans come from: drawn from a seed (``sowing``), or made of the examples (``examples``)."""
