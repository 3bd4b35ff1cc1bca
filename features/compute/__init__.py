"""Array types, compiled kernels, parallel loops and atomic files, which every folder uses."""
