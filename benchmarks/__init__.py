"""Commands that measure Koppel; each prints its machine, its seed and its figures."""
