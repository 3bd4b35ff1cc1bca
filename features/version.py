"""The version of the product, the same in every distribution that is built from it."""

VERSION = "0.1.0"
