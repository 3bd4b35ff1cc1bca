"""How a model is made.

At this level the way from a dataset to a release: references and their labels, splits, what late
labels may teach, learning at one moment, the honest test, the fit. Beside it a room each for

- ``candidates``: the families of models that compete
- ``calibration``: whether probabilities mean what they say
- ``audit``: what in the data knows the outcome too early
- ``comparison``: rules, learned score and baselines on the same references
- ``explanation``: why a score moved
- ``cards``: the model card of a release, and what changed since another
- ``tracking``: the registry; the only room that imports mlflow
- ``promotion``: which release answers, and the gate before it
- ``simulator``: leads whose true probability is known
"""
