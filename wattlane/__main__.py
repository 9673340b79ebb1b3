"""`python -m wattlane` is the command line."""

from wattlane.cli import main

if __name__ == "__main__":
    main()
