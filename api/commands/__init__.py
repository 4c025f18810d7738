"""The commands of `koppel`: one file a command or group of commands, and what they share.

    console    what is printed, and where
    options    options that several commands have
    inputs     collections, taxonomy and day of a command, read and reported
    rows       ranked pairs to a file or a screen

Heavy imports stand inside the functions that need them, so that `koppel --help` answers at once.
"""
