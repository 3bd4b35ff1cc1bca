"""The tables, row by row within the contract."""
