"""The nightly run of the exchange.

lease      one runner at a time
snapshot   the records and the registry at one moment, in files
recipients who gets what, by the rules at that moment
(engine)   the index, and all asking records ranked in blocks
lists      of each recipient, written as files (writing) and logged file by file (run)
nights     published in one step, kept some deep
withdrawal people and parties taken out at once (taking_out): copies are told of it (notices), and no vumID
           opens them any more (withdrawn)
retention  what the store knows of a night, removed
"""
