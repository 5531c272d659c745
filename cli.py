"""The command line of the toolkit; the console script `osnet-nas` is the same."""

from nas.commands import main

if __name__ == "__main__":
    main()
