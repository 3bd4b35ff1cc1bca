"""How a model is made: labels, splits, candidates, evaluation, tracking, the simulator."""
