"""Files of every format, on a disk or on object storage, as chunks of their rows."""
