"""Dates and times as people and programs write them, to microseconds in UTC."""
