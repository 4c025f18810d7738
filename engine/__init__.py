"""How it is matched."""
