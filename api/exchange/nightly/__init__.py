"""The nightly run of the exchange.

lease      one runner at a time
snapshot   the records and the registry at one moment, in files
recipients who gets what, by the rules at that moment
(engine)   the index, and all asking records ranked in blocks
delivery   the lists of each recipient, logged file by file
nights     published in one step, kept some deep; withdrawn from at once
"""
