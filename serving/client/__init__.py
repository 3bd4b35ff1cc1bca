"""The HTTP client, and mappings from a CRM's records."""
