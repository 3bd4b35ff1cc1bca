"""How a model is made, compared, watched and promoted.

``train`` leads from a dataset to a release, ``backtest`` measures it on later references, and
``config`` holds every option. Folders, each importing only those below it:

- ``registry``: MLflow, the champion and the gate; the only folder that imports mlflow
- ``comparison``: scorecard, learned score and baselines on the same references
- ``model_card``: the model card of a release, and what changed since another
- ``explanation``: why a score moved
- ``monitoring``: drift and performance of a release on later data
- ``charts``: SVG charts and the HTML helpers that reports share
- ``calibration``: whether probabilities mean what they say, over all and by segment
- ``model_selection``: cross-validation, ensembles and recalibration
- ``feature_selection``: which features a model may use
- ``candidates``: the kinds of models that compete
- ``evaluation``: metrics, their standard errors and intervals, gains
- ``leakage``: what in the data knows the outcome too early
- ``labels``: labelled references, censoring and splits
- ``simulator``: leads whose true probability is known
"""
