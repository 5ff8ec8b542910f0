"""`python -m thighdx`: the command line where its script is not on the path."""

from thighdx.cli import main

if __name__ == "__main__":
    main()
