"""What the settings leave open, inferred from names and values; every guess is a sentence."""
