"""The console script."""

from commands.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
