"""How a match is shared."""
