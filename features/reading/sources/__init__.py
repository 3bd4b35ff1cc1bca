"""Where the tables come from: a folder, a folder on object storage or a database."""
