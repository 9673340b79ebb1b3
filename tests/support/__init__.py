"""What tests of several packages share. Nothing shipped can import it."""
