"""How a question is answered: the HTTP service over a store of releases."""
