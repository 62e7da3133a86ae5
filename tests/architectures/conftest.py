"""One backbone of each family, for all tests of a module."""

from __future__ import annotations

import pytest

from suite.models.backbone import Backbone
from tests.architectures.families import FAMILIES, backbone_of


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backbone(family: str) -> Backbone:
    return backbone_of(family)
