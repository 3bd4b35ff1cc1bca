"""Changes of scores: written with the score, read by cursor, and sent to webhooks."""
