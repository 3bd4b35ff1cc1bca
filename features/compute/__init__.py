"""Array types, compiled kernels and parallel loops: the floor that only readers of speed visit."""
