"""`python -m capacity` is the same as `capacity`."""

from capacity.cli import main

main()
