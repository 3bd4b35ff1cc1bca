"""Why a score moved, and how it stood over time."""
