"""`python -m resource_api`."""

from resource_api.cli import main

main(prog_name="python -m resource_api")
