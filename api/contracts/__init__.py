"""The VUM contracts on the wire: paths, headers, bodies and who asks. What is answered is the exchange's."""
