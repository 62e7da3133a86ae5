"""A prefix in training: PEFT's encoder of virtual tokens into keys and values, and the prefix it computes."""

from __future__ import annotations

from dataclasses import replace

import torch
from peft import PrefixEncoder, PrefixTuningConfig, TaskType
from torch import Tensor

from suite.core.hashing import seed_of
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.prefix import key_value_shape


class TrainedPrefix(PrefixEncoder):  # type: ignore[misc]
    """PEFT's prefix encoder for a backbone. Its initial values are PEFT's and depend on the seed only."""

    def __init__(self, backbone: Backbone, length: int, projection: int | None, seed: int) -> None:
        layers, heads, width = key_value_shape(backbone)
        two_sided = backbone.shape == "encoder-decoder"
        config = PrefixTuningConfig(
            task_type=TaskType.SEQ_2_SEQ_LM if two_sided else TaskType.CAUSAL_LM,
            num_virtual_tokens=length,
            # PEFT would guess these from the configuration, wrongly if head width is not model width / heads
            num_layers=layers,
            num_attention_heads=heads,
            token_dim=heads * width,
            num_transformer_submodules=1,
            prefix_projection=projection is not None,
            encoder_hidden_size=projection,
        )
        torch.manual_seed(seed_of(seed, "prefix"))
        super().__init__(config)
        self.requires_grad_(False).to(backbone.device)
        self.shape = (length, layers, 2, heads, width)

    def adapt(self, model: AdaptedModel, target_index: int) -> AdaptedModel:
        """The model with the prefix before the text."""
        return replace(model, prefix=self.vectors())

    def vectors(self) -> Tensor:
        """The prefix [layers, 2, heads, length, width], differentiable."""
        tokens = torch.arange(self.shape[0], device=self.embedding.weight.device)
        return self(tokens).view(self.shape).permute(1, 2, 3, 0, 4)  # type: ignore[no-any-return]
