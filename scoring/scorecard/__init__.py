"""The rule-based score: its definition in TOML, compiled, counted."""
