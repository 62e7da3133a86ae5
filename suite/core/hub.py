"""Check once, within seconds, whether the Hugging Face hub can be reached, to avoid minutes of retries for each
file."""

from __future__ import annotations

import http.client
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request
from functools import cache
from typing import Final

SECONDS: Final = 5.0
ENDPOINT: Final = "https://huggingface.co"
SWITCHES: Final = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
MODULES: Final = ("huggingface_hub.constants", "datasets.config")
"""Modules in which the hub's clients store `HF_HUB_OFFLINE` on import."""


@cache
def unreachable() -> str | None:
    """Why the hub cannot be reached; None if it can.

    The first call contacts the hub. If it does not answer, its clients are set offline for this process: they still
    find files in their caches, and other files fail at once.
    """
    for name in SWITCHES:
        if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
            return f"{name} is set"
    reason = _asked(os.environ.get("HF_ENDPOINT", ENDPOINT))
    if reason is not None:
        os.environ["HF_HUB_OFFLINE"] = "1"  # for clients that are imported later
        for module in MODULES:
            if module in sys.modules:
                setattr(sys.modules[module], "HF_HUB_OFFLINE", True)  # noqa: B010
    return reason


def reason_of(error: BaseException | None = None) -> str:
    """Why something could not be loaded from the hub, on one line."""
    offline = unreachable()
    told = [] if offline is None else [f"offline: {offline}"]
    if error is not None:
        lines = str(error).strip().splitlines() or ["no reason"]
        told = [f"{type(error).__name__}: {lines[0][:160]}", *told]
    return "; ".join(told)


def _asked(endpoint: str) -> str | None:
    """Contact the endpoint in a thread, because name resolution may take minutes without a timeout."""
    said: list[str | None] = []
    thread = threading.Thread(target=lambda: said.append(_answer(endpoint)), daemon=True)
    thread.start()
    thread.join(SECONDS + 1)
    return said[0] if said else f"{endpoint} did not answer in {SECONDS:.0f} seconds"


def _answer(endpoint: str) -> str | None:
    proxies = urllib.request.getproxies()
    if "all" in proxies or any(url.startswith("socks") for url in proxies.values()):
        return None  # the clients support such proxies, this module does not
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}" if error.code >= 500 or error.code == 407 else None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        # the clients may trust other certificates, and give better messages
        return None if isinstance(reason, ssl.SSLCertVerificationError) else str(reason).strip()[:160]
    return None
