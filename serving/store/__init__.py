"""The store: leads, events, outcomes and scores, in SQLite or PostgreSQL."""
