"""How a person asks: the commands, one module per family; each imports the rooms when it runs."""
