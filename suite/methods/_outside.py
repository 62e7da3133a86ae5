"""Checks methods from outside against the method protocol. Each error is one line that names the module's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from suite.core.block import Block
from suite.core.errors import StepFailed, SuiteError, machine_problem
from suite.methods._protocol import SELF, Dispatch, Family, Method, OwnPart, Part, Prerequisite
from suite.plugins import Origin
from suite.plugins.loading import broken
from suite.training.requirements import Requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

TAKEN: Final = ("name", "version")
"""Field names that a method's Config may not use: the keys of its steps already have them."""


def checked(module: Any, origin: Origin) -> Method:
    """Return a module as a method. Raises SuiteError with the first member that is missing or wrong."""
    for wrong, fix in _wrong(module):
        raise SuiteError(f"is no method: {wrong}", where=str(origin), fix=fix)
    return cast(Method, OutsideMethod(module, origin))


def _wrong(module: Any) -> Iterator[tuple[str, str]]:
    families = get_args(Family)
    if getattr(module, "FAMILY", None) not in families:
        yield f"FAMILY is {getattr(module, 'FAMILY', 'missing')!r}", f"one of {', '.join(families)}"
    version = getattr(module, "VERSION", None)
    if type(version) is not int or version < 1:
        yield f"VERSION is {version!r}", "a whole number from 1, raised when its results change"
    if type(getattr(module, "TRAINS", None)) is not bool:
        yield f"TRAINS is {getattr(module, 'TRAINS', None)!r}", "True, or False for a method that trains nothing"
    config = getattr(module, "Config", None)
    if not (isinstance(config, type) and issubclass(config, Block)):
        yield "Config is no class of settings", "derive it from suite.training.Optimisation, or suite.core.block.Block"
    else:
        for taken in (each for each in TAKEN if each in config.model_fields):
            yield f"Config has a field '{taken}', which is taken", "give it another name"
    for name in ("prerequisites", "stack", "requirements"):
        if not callable(getattr(module, name, None)):
            yield f"it has no function '{name}'", "suite/methods/lora.py shows one"
    if not hasattr(module, "train") or not (module.train is None or callable(module.train)):
        yield "it has no function 'train'", "write `train = None` for a method of prerequisites only"


class OutsideMethod:
    """A method from outside whose results are checked. Its errors are reported in one line, without a traceback."""

    def __init__(self, module: Any, origin: Origin) -> None:
        self.FAMILY, self.VERSION, self.TRAINS, self.Config = (
            module.FAMILY, module.VERSION, module.TRAINS, module.Config,
        )  # fmt: skip
        self.train = None if module.train is None else self._train
        self.__doc__ = module.__doc__
        self._module, self._origin = module, origin

    def prerequisites(self, config: Any, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
        """The train steps that come first. Raises SuiteError if the result is not a tuple of Prerequisite."""
        result = self._call("prerequisites", config, targets)
        if not isinstance(result, tuple) or not all(isinstance(each, Prerequisite) for each in result):
            raise self._wrong_result("prerequisites", result, "a tuple of Prerequisite, () for none")
        return result

    def stack(self, config: Any, role: str, targets: tuple[str, ...]) -> tuple[Part, ...] | Dispatch:
        """The artifacts that answer a task. Raises SuiteError for a result of the wrong type or an index out of
        range."""
        result = self._call("stack", config, role, targets)
        if isinstance(result, Dispatch):
            return result
        if not isinstance(result, tuple) or not all(_is_part(each) for each in result):
            raise self._wrong_result("stack", result, "a tuple of SELF, indices and Prerequisite, or a Dispatch")
        count = len(self.prerequisites(config, targets))
        for each in result:
            if isinstance(each, int) and not 0 <= each < count:
                raise self._wrong_result("stack", result, f"an index below {count}, the number of its prerequisites")
            if (each is SELF or isinstance(each, OwnPart)) and self.train is None:
                raise self._wrong_result("stack", result, "nothing of its own, as the method has no train step")
        return result

    def requirements(self, config: Any) -> Requirements:
        """What the method's own train step needs. Raises SuiteError if the result is not a Requirements."""
        result = self._call("requirements", config)
        if not isinstance(result, Requirements):
            raise self._wrong_result(
                "requirements", result, "a Requirements, such as `optimisation_requirements(config)`"
            )
        return result

    def _train(self, config: Any, job: Job) -> Trained:
        """Train. Raises StepFailed, in one line, if the method's code fails or does not return a `Trained`."""
        from suite.training.job import Trained

        try:
            result = self._module.train(config, job)
        except (StepFailed, SuiteError):
            raise
        except Exception as error:
            if machine_problem(error) is not None:
                raise
            raise StepFailed(str(broken(self._origin, error, "`train` fails"))) from error
        if not isinstance(result, Trained):
            raise StepFailed(str(self._wrong_result("train", result, "a Trained")))
        return result

    def _call(self, name: str, *arguments: Any) -> Any:
        function: Callable[..., Any] = getattr(self._module, name)
        try:
            return function(*arguments)
        except SuiteError:
            raise
        except Exception as error:
            raise broken(self._origin, error, f"`{name}` fails") from error

    def _wrong_result(self, name: str, result: Any, wanted: str) -> SuiteError:
        text = repr(result)
        shown = text if len(text) <= 60 else f"{text[:57]}…"
        return SuiteError(f"`{name}` gives {shown}", where=str(self._origin), fix=f"it should give {wanted}")


def _is_part(value: Any) -> bool:
    return value is SELF or isinstance(value, Prerequisite | OwnPart) or type(value) is int
