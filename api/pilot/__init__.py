"""What the exchange would mean for one labour-market region: measured, reported, compared.

make_up, or files -> make_world -> World -> measure -> Results -> write_results, render -> a folder
                                                                 two folders -> differences
"""
