"""Our LM for lm-eval's own command: `python -m suite.lm_eval run --model suite --model_args … --tasks …`.

lm-eval finds models in a registry that no installed package can add to, so this enters ours and hands over.
"""

from __future__ import annotations

import sys
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import torch
from lm_eval._cli import HarnessCLI
from lm_eval.api.registry import register_model
from lm_eval.utils import setup_logging

from suite.core.errors import SuiteError
from suite.evaluation.lm import StackLM
from suite.models.apply import applied
from suite.models.artifacts import load_artifact
from suite.models.backbone import load_backbone
from suite.models.chat import render
from suite.models.in_effect import assert_in_effect
from suite.models.source import ModelSource, bundled_models, locate


@register_model("suite")
class SuiteLM(StackLM):
    """A base model, with artifacts of ours on it if there are any."""

    def __init__(
        self,
        pretrained: str,
        *,
        artifact: str | None = None,
        batch_tokens: int = 16384,
        max_length: int | None = None,
        dtype: Literal["float32", "bfloat16"] = "float32",
        beams: int = 1,
        length_penalty: float | None = None,
        device: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        """`pretrained` is a bundled model, a folder or a hub id, `artifact` folders of a store's, joined by `+`.

        lm-eval's batch sizes mean nothing here: `batch_tokens` bounds a batch, and changes no answer. `length_penalty`
        is T5X's, not that of `generate`.
        """
        if device and device.startswith("cuda") and not torch.cuda.is_available():
            device = None  # lm-eval asks for cuda:0 wherever it is not told, and its own model takes that for a wish
        kind = "bundled" if pretrained in bundled_models() else "path" if Path(pretrained).is_dir() else "hub"
        source = ModelSource.model_validate({kind: pretrained, "dtype": dtype})
        backbone = load_backbone(locate(source, None), device)
        artifacts = [load_artifact(Path(each), backbone.identity) for each in artifact.split("+")] if artifact else []
        with ExitStack() as on:
            current = on.enter_context(applied(backbone, artifacts))
            assert_in_effect(current)
            # at the latest before the interpreter takes apart what taking them off needs
            weakref.finalize(self, on.pop_all().close)
        alpha = None if length_penalty is None else float(length_penalty)
        super().__init__(
            current, batch_tokens=int(batch_tokens), max_length=max_length, beams=int(beams), length_penalty=alpha
        )

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval's cache of prompts tells chat templates apart by."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Messages as one prompt, as lm-eval's `hf` model makes it. Raises SuiteError without a template for them."""
        if self.tokenizer.chat_template is None:
            raise SuiteError("this model's tokenizer has no chat template", fix="leave out `--apply_chat_template`")
        return render(self.tokenizer, chat_history, add_generation_prompt=add_generation_prompt)

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval keeps beside results: equal identities give equal answers."""
        return {"model_identity": self.adapted.identity}


def main() -> None:
    """lm-eval's command line, with the model `suite`."""
    setup_logging()
    command = HarnessCLI()
    try:
        command.execute(command.parse_args())
    except SuiteError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
