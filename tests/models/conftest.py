from tests.models.fixtures import backbone, shape

__all__ = ["backbone", "shape"]
