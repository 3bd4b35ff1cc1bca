"""Connectors: reading a system's records over its API, and writing scores back into its fields.

What is read is written as the export that the system's recipe reads (:mod:`integrations.recipe`),
so an import is the same whether a person exported the files or a connector did.
"""
