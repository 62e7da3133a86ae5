"""Training objectives: the loss of right answers, and the reward of the model's own answers."""
