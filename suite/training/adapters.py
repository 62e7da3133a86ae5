"""Training a PEFT adapter that is injected into the frozen model."""

from __future__ import annotations

import torch
from peft.config import PeftConfig

from suite.hashing import seed_of
from suite.models.adapter import adapter_state, config_as_json, injected
from suite.models.artifact import Adapter
from suite.training.config import Optimisation
from suite.training.job import Job, Trained
from suite.training.supervised import train_supervised


def train_adapter(config: Optimisation, job: Job, peft: PeftConfig) -> Trained:
    """Train the adapter's own parameters; its first values are a function of the seed."""
    model = job.backbone.model
    torch.manual_seed(seed_of(job.seed, "adapter"))
    with injected(model, peft) as own:
        fit = train_supervised(config, job, own)
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(fit.best[name])
        artifact = Adapter(adapter_state(model), config_as_json(peft))
        return Trained(artifact, fit, sum(parameter.numel() for parameter in own.values()))
