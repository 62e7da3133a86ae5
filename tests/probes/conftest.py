from tests.models.fixtures import backbone, one_thread, shape

__all__ = ["backbone", "one_thread", "shape"]
