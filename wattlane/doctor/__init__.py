"""`wattlane doctor`: what is wrong with a home, and how to mend it, however much is broken."""
