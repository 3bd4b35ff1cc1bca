"""The service as a process of its own, with a home and, where it can be had, PostgreSQL."""

from service_process import home, lead, make, postgresql, start

__all__ = ["home", "lead", "make", "postgresql", "start"]
