"""`python -m octavo`, as torchrun starts it: torchrun --nproc-per-node 8 -m octavo run RECIPE."""

from octavo.cli.app import main

main()
