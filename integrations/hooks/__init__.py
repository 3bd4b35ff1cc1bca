"""Webhooks of systems: a body becomes leads, answers, interactions and outcomes.

What counts as an attribute and what a word means comes from the system's recipe
(:mod:`integrations.recipe`), as for an import; the tests compare both doors over one story.
"""
