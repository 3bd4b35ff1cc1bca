"""The store: everything the CRM told us and everything we answered, in SQLite or PostgreSQL."""
