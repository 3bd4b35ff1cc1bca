"""What we know of a lead at one moment: the data contract, histories and vectors.

No clock, no model and no network lives here (a database is read only when its URL is given).
"""
