"""The command ``leadscore``: a thin layer that parses, calls and prints."""


def main() -> None:
    """Entry point of the console script."""
    raise SystemExit(2)
