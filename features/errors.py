"""The one tree of exceptions; the command line maps it to exit codes, the API to problem+json.

::

    LeadscoreError          1  anything we raise on purpose
    ├── UsageError          2  the request is wrong: an option, a name, a body
    ├── DataError           3  the data breaks the contract, or does not suffice
    ├── GateError           4  a gate refused: a challenger that is no better, a sure leak
    └── StorageError        5  a disk, a database or a registry failed, a worker was killed
        ├── ReleaseError    5  a release folder is refused: altered, truncated, foreign
        └── RegistryError   5  the model registry is down or has no such version
"""

from __future__ import annotations


class LeadscoreError(Exception):
    """Base of every error raised on purpose. Its message says what, where and what next."""

    exit_code = 1


class UsageError(LeadscoreError):
    """The request is wrong: an unknown option value or name, or a malformed body."""

    exit_code = 2


class DataError(LeadscoreError):
    """Data that breaks the contract, or does not suffice for what is to be done with it."""

    exit_code = 3


class GateError(LeadscoreError):
    """A gate refused to let something pass; the message carries the evidence."""

    exit_code = 4


class StorageError(LeadscoreError):
    """A disk, a database, a registry or a worker process failed; trying again may help."""

    exit_code = 5


class ReleaseError(StorageError):
    """A release folder was refused; the message names the file and the difference."""


class RegistryError(StorageError):
    """The model registry cannot be reached, or knows no such version or alias."""


class StorageFull(StorageError):
    """The disk is full: nothing was written. Answered as 507."""


class StorageBusy(StorageError):
    """The database is locked, slow or away, or too much waits for it. Answered as 503."""
