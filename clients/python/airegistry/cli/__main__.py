"""`python -m airegistry.cli`: the same as `airegistry`."""

from airegistry.cli import main

if __name__ == "__main__":
    main()
