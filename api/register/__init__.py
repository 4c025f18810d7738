"""What the public and supervisors are told: an entry for the Algoritmeregister, facts for the AI-verordening.

The texts are Dutch, like the register: entry.toml and annex.toml. `facts` gives the numbers in them, `gaps`
finds what only the organisation can tell.
"""
