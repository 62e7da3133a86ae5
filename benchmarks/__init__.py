"""Speed measurements, each against a named baseline, in one run, after checking that results are equal."""
