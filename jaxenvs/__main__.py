"""`python -m jaxenvs` is the command `jaxenvs`."""

from jaxenvs.cli.main import main

if __name__ == "__main__":
    main()
