"""How records are shared: who may see what, who is asked, and what is written down about it."""
