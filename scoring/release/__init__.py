"""A release on disk: files, manifest, signature, golden rows, and the store of releases."""
