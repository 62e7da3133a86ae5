"""What a trainable set is optimised for: losses of right answers, and rewards of its own."""
