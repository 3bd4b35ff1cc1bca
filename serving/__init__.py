"""The HTTP service: predictions of a release, and a store of leads, events and scores."""
