"""Fault trials: kills, full disks, flipped bits, hostile inputs. Run by `python -m benchmarks.faults`."""
