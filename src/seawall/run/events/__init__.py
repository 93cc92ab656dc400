"""Events as they come: what sources there are, what fields their events have, how they are read."""
