from tests.evaluation.conftest import backbone, make_task, stack

__all__ = ["backbone", "make_task", "stack"]
