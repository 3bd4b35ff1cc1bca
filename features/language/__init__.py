"""Languages people read: catalogues, plural forms, numbers and dates."""
