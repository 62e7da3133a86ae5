"""`python -m suite.micro`: write the data, pretrain a base model, or measure its card."""

from __future__ import annotations

import argparse
from pathlib import Path

from suite.micro import world


def main() -> None:
    """Parse one of the three commands and run it."""
    parser = argparse.ArgumentParser(prog="python -m suite.micro", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("data", help="write the data sets")
    for command, says in (("pretrain", "train a base model"), ("card", "measure a base model and write its card")):
        sub = commands.add_parser(command, help=says)
        sub.add_argument("model", choices=("micro-llama", "micro-t5"))
        if command == "pretrain":
            sub.add_argument("--work", type=Path, default=Path("runs/micro"), help="where checkpoints are kept")
    arguments = parser.parse_args()
    if arguments.command == "data":
        world.write()
    elif arguments.command == "pretrain":
        from suite.micro.pretrain import pretrain

        pretrain(arguments.model, arguments.work)
    else:
        from suite.micro.card import write_card

        write_card(arguments.model)


if __name__ == "__main__":
    main()
