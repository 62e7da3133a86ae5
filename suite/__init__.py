"""A declarative benchmark and leaderboard for fine-tuning methods: what they gain, what they keep, what they cost."""

__version__ = "0.1.0"
