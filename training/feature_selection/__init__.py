"""Which features a training considers, and which it keeps."""
