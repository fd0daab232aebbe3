"""`python -m symcheck` is the command."""

from symcheck.cli import main

if __name__ == "__main__":
    main(prog_name="symcheck")
