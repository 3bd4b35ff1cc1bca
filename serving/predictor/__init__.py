"""From a request to a prediction: the active release, micro-batches, the score log."""
