"""What is known against packages: version orders, the advisory database, matching, VEX."""
