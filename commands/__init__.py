"""The command line: a module per command or family; each imports its packages when it runs."""
