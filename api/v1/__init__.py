"""Koppel's own API, by the Dutch REST API Design Rules: what the national contract lacks."""
