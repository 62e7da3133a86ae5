"""A tiny random backbone of each shape, for the tests of models, training and methods."""

from __future__ import annotations

import pytest

from suite.models.backbone import Backbone, Shape
from tests.models.tiny_models import SHAPES, tiny_backbone


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return request.param


@pytest.fixture
def backbone(shape: Shape) -> Backbone:
    return tiny_backbone(shape)
