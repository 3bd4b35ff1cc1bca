"""From files and databases to a checked dataset: parsing, inference, validation, quarantine."""
