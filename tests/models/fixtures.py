"""A tiny random backbone of each shape, for the tests of models, training and methods."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from suite.models.backbone import Backbone, Shape
from tests.models.tiny_models import SHAPES, tiny_backbone


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return request.param


@pytest.fixture
def backbone(shape: Shape) -> Backbone:
    return tiny_backbone(shape)
