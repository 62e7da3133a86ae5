"""`python -m suite.micro2 data | pretrain MODEL | card MODEL`: write the rows, pretrain a model, or describe it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from suite.micro2.recipes import ModelName


def main() -> None:
    """Parse the command line and do one thing."""
    parser = argparse.ArgumentParser(prog="python -m suite.micro2")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("data")
    pretraining = commands.add_parser("pretrain")
    pretraining.add_argument("model", choices=get_args(ModelName))
    pretraining.add_argument("--work", type=Path, default=Path(".micro"))
    pretraining.add_argument("--out", type=Path)
    described = commands.add_parser("card")
    described.add_argument("model", choices=get_args(ModelName))
    arguments = parser.parse_args()
    if arguments.command == "data":
        from suite.micro2 import retention, world

        world.write()
        retention.write()
    elif arguments.command == "pretrain":
        from suite.micro2.pretrain import pretrain

        pretrain(arguments.model, arguments.work, arguments.out)
    else:
        from suite.micro2.card import write_cards

        write_cards(arguments.model)


if __name__ == "__main__":
    main()
