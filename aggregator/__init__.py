"""The only writer of results: the log, the minutes, and the commits that follow from them."""
