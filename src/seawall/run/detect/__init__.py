"""Detection: one rule language over every source of events, and its engines."""
