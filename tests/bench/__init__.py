"""`make bench`: what things cost, on a site of its own. Ratios and counts outlast the machine they were taken on."""
