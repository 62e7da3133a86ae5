"""Classes of devices, and the GPUs of a machine without importing torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from suite.core import devices
from suite.core.devices import class_here, cpu_name, device_class, gpu_names, visible_gpus

LISTING = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5c2a7d1e-1)
  MIG 1g.10gb     Device  0: (UUID: MIG-77)
GPU 1: Tesla T4 (UUID: GPU-9b0f3c22-2)
"""


@pytest.mark.parametrize(
    ("device", "name", "expected"),
    [
        ("cpu", "AMD EPYC 7B13", "cpu"),
        ("cpu", None, "cpu"),
        ("cuda:1", "NVIDIA H200", "NVIDIA H200"),
        ("cuda", None, "cuda"),
        ("cuda:3", None, "cuda"),
        ("mps", "mps", "mps"),
        (None, None, None),
    ],
)
def test_a_device_has_a_class(device: str | None, name: str | None, expected: str | None) -> None:
    assert device_class(device, name) == expected


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ("NVIDIA H100 80GB HBM3", "Tesla T4")),
        ("1,0", ("Tesla T4", "NVIDIA H100 80GB HBM3")),
        ("GPU-9b0f", ("Tesla T4",)),
        ("0,7,1", ("NVIDIA H100 80GB HBM3",)),
        ("-1", ()),
        ("", ()),
    ],
)
def test_the_gpus_that_cuda_sees_are_listed_in_its_order(visible: str | None, expected: tuple[str, ...]) -> None:
    assert visible_gpus(LISTING, visible) == expected


def test_a_device_of_this_machine_has_the_class_of_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: ("NVIDIA H200", "Tesla T4")[index])
    assert gpu_names() == ("NVIDIA H200", "Tesla T4")
    classes = {name: class_here(name) for name in (None, "cuda", "cuda:1", "cuda:5", "cpu", "mps")}
    assert classes == {
        None: "NVIDIA H200", "cuda": "NVIDIA H200", "cuda:1": "Tesla T4", "cuda:5": "cuda", "cpu": "cpu", "mps": "mps",
    }  # fmt: skip
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert class_here(None) == "cpu"


def test_the_processor_has_a_name() -> None:
    assert cpu_name()
    assert cpu_name() == " ".join(cpu_name().split())


def test_torch_is_not_imported_for_it() -> None:
    code = f"import sys; from {devices.__name__} import class_here; class_here(None); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
