"""Growth, simulated: what so many homes ask of one operator on a day, by the real rules."""
