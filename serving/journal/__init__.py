"""The write-ahead journal of scores: segments on disk and the process that writes them."""
