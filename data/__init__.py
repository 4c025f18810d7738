"""What is matched."""
