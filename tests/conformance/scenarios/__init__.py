"""Programs as people wrote them for sqlsoup 0.9, one function each, by theme."""
