"""What ``leadscore init`` proposes: a ``dataset.toml`` for the exports in a folder."""
