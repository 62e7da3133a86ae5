"""A training whose process was killed goes on in another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.methods.test_contract import train
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_backbone

KILLED = """
import os, signal, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import torch; torch.set_num_threads(1)
from tests.models.tiny_budget import Memory
from tests.methods.tiny_jobs import config_of, job_for
from tests.models.tiny_models import tiny_backbone
from suite import methods
from suite.training.checkpoint import read_checkpoint

class Killing(Memory):
    def progress(self, step, *rest):
        if step == 3:
            while read_checkpoint(job.checkpoint).state["state"]["progress"]["step"] < 2:  # a thread writes it
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

job = job_for("finetune", tiny_backbone("decoder"), Path(sys.argv[1]), log=Killing(), checkpoint_seconds=0.0)
methods.get("finetune").train(config_of("finetune"), job)
"""


def test_a_killed_process_is_taken_up_by_another(tmp_path: Path) -> None:
    places = [str(Path(__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "cut"), *places], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == -9, done.stderr
    backbone, log = tiny_backbone("decoder"), Memory()
    resumed = train("finetune", backbone, tmp_path / "cut", log=log)
    assert log.said == ["going on after step 2"]
    assert resumed.artifact.hash == train("finetune", backbone, tmp_path / "whole").artifact.hash
