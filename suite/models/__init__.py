"""Base models, the artifacts that are applied to them, and how these are removed again."""

from __future__ import annotations

import logging

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # PEFT imports it where it is; it tells of kernels and casts
