"""Whether probabilities mean what they say, over all and by segment."""
