"""Other systems: recipes that turn their exports into a dataset folder (``leadscore import``)."""
