"""``python -m sweep``, and the console script."""

from sweep.cli import main

if __name__ == "__main__":
    main()
