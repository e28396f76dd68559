"""``python -m transformer``: the same as the command ``gradine``."""

import sys

from transformer.cli import main

if __name__ == "__main__":
    sys.exit(main(program="python -m transformer"))
